import { createConnection } from "mysql2/promise";
import type { Order, Target } from "../load/orders.ts";
import type { Server } from "../support/processes.ts";
import { type Bench, inTurn, pacedOrder, type Round, type Row, totalOf } from "./row.ts";

/** Messages from their sender to the other person, beside the relay that knows nothing of either. */

const IN_FLIGHT = 256;
const PER_SECOND = 500;

/** Everybody who plays is in one conversation: players 2n and 2n + 1. */
const pairsOf = (bench: Bench) => bench.players.length / 2;

/** Starts the relay with its table, and opens a socket for everybody on both. */
export async function openBoth(bench: Bench, processes = 1): Promise<void> {
  const connection = await createConnection(bench.stage.databaseUrl("mysql"));
  await connection.query("CREATE DATABASE IF NOT EXISTS relay");
  await connection.query(`CREATE TABLE IF NOT EXISTS relay.relay (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, sender_id BIGINT UNSIGNED NOT NULL,
    receiver_id BIGINT UNSIGNED NOT NULL, message VARCHAR(4000) NOT NULL, created_at DATETIME(3) NOT NULL
  ) ENGINE=InnoDB CHARACTER SET utf8mb4`);
  await connection.end();
  const relay = await bench.limit("relay.ts", { PROCESSES: String(processes) });
  const targets: Target[] = [
    { ...bench.ours, isMany: processes > 1 },
    { name: "relay", url: relay.url },
  ];
  for (const target of targets)
    await bench.run({ task: "open", target, players: bench.players, tabs: 1, atOnce: 32 });
}

type Task = (target: string) => Order;

const saturated =
  (bench: Bench, pairs = pairsOf(bench)): Task =>
  (target) => ({ task: "saturate", target, pairs, inFlight: IN_FLIGHT, ms: bench.ms });

async function both(bench: Bench, number: number, task: Task) {
  const relay = await bench.limit("relay.ts");
  return inTurn(
    number,
    () => measured(bench, bench.stage.app, task("ours")),
    () => measured(bench, relay, task("relay")),
  );
}

async function measured(bench: Bench, server: Server, order: Order) {
  const { figures, cpu } = await bench.costOf(server, order);
  const thousands = (figures.sent ?? figures.done) / 1000;
  return {
    ...figures,
    perSecond: figures.done / figures.seconds,
    cpuPerThousand: totalOf(cpu) / thousands,
    server: cpu.server / thousands,
    stores: (cpu.database + cpu.redis) / thousands,
  };
}

/** Long enough for both to be compiled as far as they will be. */
async function warmUp(bench: Bench): Promise<void> {
  for (let round = 0; round < (bench.isQuick ? 1 : 3); round += 1) await both(bench, round, saturated(bench));
}

export const saturatedRow: Row = {
  title: "Sends, saturated",
  lines: {
    perSecond: { what: "sends/s, 1,000 conversations", unit: "/s", digits: 0, goal: { atLeast: 0.6 } },
    cpu: { what: "CPU a thousand messages, all servers", unit: "s", digits: 3, goal: { atMost: 2 } },
    server: { what: "of which the app", unit: "s", digits: 3 },
    stores: { what: "of which MariaDB and Redis", unit: "s", digits: 3 },
    load: { what: "cores the load took", unit: "", digits: 2 },
  },
  prepare: warmUp,
  round: async (bench, number) => {
    const { ours, limit } = await both(bench, number, saturated(bench));
    return {
      perSecond: { ours: ours.perSecond, limit: limit.perSecond },
      cpu: { ours: ours.cpuPerThousand, limit: limit.cpuPerThousand },
      server: { ours: ours.server, limit: limit.server },
      stores: { ours: ours.stores, limit: limit.stores },
      load: { ours: ours.cpu / ours.seconds, limit: limit.cpu / limit.seconds },
    };
  },
};

export const hotPairRow: Row = {
  title: "Sends, one hot pair",
  lines: { perSecond: { what: "sends/s, one conversation", unit: "/s", digits: 0, goal: { atLeast: 0.6 } } },
  round: async (bench, number) => {
    const { ours, limit } = await both(bench, number, saturated(bench, 1));
    return { perSecond: { ours: ours.perSecond, limit: limit.perSecond } };
  },
};

export const pacedRow: Row = {
  title: `Latency at ${PER_SECOND}/s`,
  lines: {
    ackP50: { what: "to the acknowledgement, p50", unit: "ms", digits: 2, goal: { atMost: 1.5 } },
    ackP99: { what: "to the acknowledgement, p99", unit: "ms", digits: 2, goal: { atMost: 2 } },
    otherP50: { what: "to the other person, p50", unit: "ms", digits: 2, goal: { atMost: 1.5 } },
    otherP99: { what: "to the other person, p99", unit: "ms", digits: 2, goal: { atMost: 2 } },
  },
  round: async (bench, number) => {
    const task = (target: string): Order => pacedOrder(bench, target, PER_SECOND);
    const { ours, limit } = await both(bench, number, task);
    const round: Round = {};
    for (const key of ["ackP50", "ackP99", "otherP50", "otherP99"] as const)
      round[key] = { ours: ours[key] ?? 0, limit: limit[key] ?? 0 };
    return round;
  },
};

export const formsRow: Row = {
  title: "Sends by the plain form",
  lines: { perSecond: { what: "posts/s", unit: "/s", digits: 0, goal: { atLeast: 0.12 } } },
  prepare: async (bench) => void (await bench.run(formsOrder(bench))),
  round: async (bench, number) => {
    const relay = await bench.limit("relay.ts");
    const { ours, limit } = await inTurn(
      number,
      () => measured(bench, bench.stage.app, formsOrder(bench)),
      () => measured(bench, relay, saturated(bench)("relay")),
    );
    return { perSecond: { ours: ours.perSecond, limit: limit.perSecond } };
  },
};

function formsOrder({ ours, players, ms }: Bench): Order {
  return { task: "forms", target: ours, players, inFlight: 64, ms };
}

/** Needs an app of two processes, and sockets open on it and on a relay of two. */
export const twoProcessesRow: Row = {
  ...saturatedRow,
  title: "Sends, saturated, two processes and the Redis adapter",
};

/** Messages a second at which the latency is drawn; all of them below what a small machine can take. */
export const LOADS = [125, 250, 500, 1000, 2000];

export const curveKey = (quantile: "p50" | "p99", load: number) => `${quantile} ${load}`;

/** For the plot of latency against load. */
export const curveRow: Row = {
  title: "Latency against load",
  rounds: 3,
  lines: Object.fromEntries(
    LOADS.flatMap((load) =>
      (["p50", "p99"] as const).map((quantile) => [
        curveKey(quantile, load),
        { what: `to the other person at ${load}/s, ${quantile}`, unit: "ms", digits: 2 },
      ]),
    ),
  ),
  round: async (bench, number) => {
    const round: Round = {};
    for (const load of bench.isQuick ? LOADS.slice(0, 3) : LOADS) {
      const task = (target: string): Order => ({ ...pacedOrder(bench, target, load), ms: bench.ms / 2 });
      const { ours, limit } = await both(bench, number, task);
      round[curveKey("p50", load)] = { ours: ours.otherP50 ?? 0, limit: limit.otherP50 ?? 0 };
      round[curveKey("p99", load)] = { ours: ours.otherP99 ?? 0, limit: limit.otherP99 ?? 0 };
    }
    return round;
  },
};
