import type { Figures, Order, Player, Target } from "../load/orders.ts";
import type { Loader } from "../support/loader.ts";
import type { Server } from "../support/processes.ts";
import type { CpuSeconds, Stage } from "../support/stage.ts";

/** One line of the table: a figure of ours, the limit's in the same round, and what is wanted of the two. */
export interface Line {
  what: string;
  unit: string;
  /** Digits after the point. */
  digits?: number;
  /** Of ours divided by the limit's; where there is no limit, of ours alone. None: said for the context. */
  goal?: { atLeast: number } | { atMost: number };
}

/** Ours and the limit's of one round, by the line's key; `limit` is missing where nothing stands beside it. */
export type Round = Record<string, { ours: number; limit?: number }>;

/** Something that is measured in rounds, in which ours and the limit take turns. */
export interface Row {
  title: string;
  lines: Record<string, Line>;
  /** Starts what the rounds need, and warms it up. */
  prepare?: (bench: Bench) => Promise<void>;
  round: (bench: Bench, number: number) => Promise<Round>;
  /** Rounds, where five would take too long. */
  rounds?: number;
}

/** What the rows of one stage share. */
export class Bench {
  readonly stage: Stage;
  readonly loader: Loader;
  readonly players: Player[];
  readonly isQuick: boolean;
  /** How long the crowd of tabs talks, in ms. */
  readonly crowdMs: number;
  /** Messages acknowledged so far, by target: as many must be in its table. */
  readonly acknowledged: Record<string, number> = {};
  /** Tasks in which the load process itself was the limit. */
  readonly voids: string[] = [];
  private readonly limits = new Map<string, Server>();

  constructor(stage: Stage, loader: Loader, players: Player[], isQuick: boolean, crowdMs: number) {
    this.stage = stage;
    this.loader = loader;
    this.players = players;
    this.isQuick = isQuick;
    this.crowdMs = isQuick ? CROWD_QUICK_MS : crowdMs;
  }

  /** How long one measurement takes. */
  get ms(): number {
    return this.isQuick ? 800 : 2500;
  }

  get ours(): Target {
    return { name: "ours", url: this.stage.app.url };
  }

  /** A limit server by its script, started when first asked for. */
  async limit(script: string, environment: Record<string, string> = {}): Promise<Server> {
    const server = this.limits.get(script) ?? (await this.stage.startLimit(script, environment));
    this.limits.set(script, server);
    return server;
  }

  /** Runs a task and keeps count. */
  async run(order: Order): Promise<Figures> {
    const figures = await this.loader.follow(order);
    const target = typeof order.target === "string" ? order.target : order.target.name;
    const sent = order.task === "forms" ? figures.done : (figures.sent ?? 0);
    const counted = order.task === "pages" ? (order.sends[0]?.target ?? target) : target;
    this.acknowledged[counted] = (this.acknowledged[counted] ?? 0) + sent;
    if (figures.seconds > 0.5 && figures.cpu / figures.seconds > LOADER_MAX)
      this.voids.push(`${order.task}: the load took ${(figures.cpu / figures.seconds).toFixed(2)} of a core`);
    return figures;
  }

  /** Runs a task and tells what CPU it cost a server and the stores. */
  async costOf(server: Server, order: Order): Promise<{ figures: Figures; cpu: CpuSeconds }> {
    const before = this.stage.cpu(server);
    const figures = await this.run(order);
    const after = this.stage.cpu(server);
    const { server: own, database, redis } = after;
    return {
      figures,
      cpu: { server: own - before.server, database: database - before.database, redis: redis - before.redis },
    };
  }
}

const CROWD_QUICK_MS = 3000;

/** Above this share of a core the load process is what is measured. */
const LOADER_MAX = 0.97;

/** Runs both in turn, the one first that was second in the round before. */
export async function inTurn<T>(
  number: number,
  ours: () => Promise<T>,
  limit: () => Promise<T>,
): Promise<{ ours: T; limit: T }> {
  if (number % 2 === 0) {
    const first = await ours();
    return { ours: first, limit: await limit() };
  }
  const first = await limit();
  return { ours: await ours(), limit: first };
}

export const totalOf = ({ server, database, redis }: CpuSeconds) => server + database + redis;

/** Messages at a steady rate between everybody. */
export function pacedOrder(bench: Bench, target: string, perSecond: number): Order & { task: "pace" } {
  return { task: "pace", target, pairs: bench.players.length / 2, perSecond, ms: bench.ms };
}
