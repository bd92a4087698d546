import type { RowDataPacket } from "mysql2/promise";
import { clientIdText } from "../../src/messages/client-id.ts";
import { type Account, enter, logOut, readHistory } from "./accounts.ts";
import { Cell, canFakeClocks } from "./cell.ts";
import { check, type Evidence, type StoredMembership, type StoredMessage, type Verdict } from "./check.ts";
import { type Convergence, converge, convergePresence } from "./converge.ts";
import { Crowd } from "./crowds.ts";
import type { DeviceOptions } from "./device.ts";
import { faults, type Scene } from "./faults.ts";
import { startProxy } from "./proxy.ts";
import { type Random, randomFrom } from "./random.ts";

/** One trial: people talk through proxies to several nodes while a seeded schedule of faults goes on. */

export interface TrialOptions {
  seed: number;
  /** How long faults go on, in ms. */
  ms: number;
  /** How many faults at the least, however long they take. */
  atLeast?: number;
  /** A module that changes the app, to prove the checker. */
  preload?: string;
  neverCatchesUp?: boolean;
  /** Only these faults, for a mutant that one kind of fault brings to light. */
  only?: string[];
  report?: (line: string) => void;
}

export interface TrialResult extends Verdict {
  seed: number;
  /** How often each fault was done. */
  counts: Record<string, number>;
  convergence: Convergence;
  /** ms until presence was right after a whole crowd was killed. */
  presenceMs: number;
  /** Longest time from the end of a fault until every node could serve, in ms. */
  slowestReturnMs: number;
  slowestDrainMs: number;
}

const NODES = 2;
const GROUPS = 3;
const GROUP_SIZE = 4;
const CROWDS = 3;
const WRITE_EVERY_MS = 40;
const RETURN_MS = 25_000;
/** Faults that start nodes while they go on. */
const STARTING = ["rolling restart", "clock step"];
const NODE_FAULTS = ["kill node", "drain node", "rolling restart", "freeze node", "clock step"];

export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const stops: (() => Promise<void>)[] = [];
  try {
    return await trial(options, stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** `stops` gets what ends everything that was started, also where the start of the rest fails. */
async function trial(options: TrialOptions, stops: (() => Promise<void>)[]): Promise<TrialResult> {
  const random = randomFrom(options.seed);
  const cell = await Cell.start(NODES, options.preload);
  stops.push(() => cell.stop());
  const portsFrom = (first: number) => () => rotated(portsOf(cell), first);
  const proxies = await Promise.all(
    Array.from({ length: CROWDS }, (_each, index) => startProxy(portsFrom(index))),
  );
  stops.push(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))));
  const accounts = await registerAll(cell);
  const spy = await enter(cell.node(0).port, accounts[0]?.name ?? "", "login");
  const crowds = proxies.map(
    (proxy, index) =>
      new Crowd(options.seed + index, devicesOf(index, proxy.port, accounts, spy, options), WRITE_EVERY_MS),
  );
  stops.push(async () => void (await Promise.all(crowds.map((crowd) => crowd.close()))));
  const scene: Scene = {
    ...{ cell, proxies, crowds, random, drains: [] },
    renewSessions: async () => {
      const port = cell.node(0).port;
      const renewed = await Promise.all(accounts.map(({ name }) => enter(port, name, "login")));
      for (const [index, account] of renewed.entries()) accounts[index] = account;
      const cookies = Object.fromEntries(renewed.map(({ userId, cookie }) => [userId, cookie]));
      for (const crowd of crowds) crowd.tell({ order: "renew", cookies });
    },
  };
  const { counts, slowestReturnMs } = await hurt(scene, options, spy);
  for (const crowd of crowds) crowd.tell({ order: "quiet" });
  const convergence = await converge(cell, crowds);
  const records = (await Promise.all(crowds.map((crowd) => crowd.records()))).flat();
  const presenceMs = await convergePresence(cell, crowds, accounts);
  const verdict = check({ ...(await readTables(cell)), records, pages: await readPages(cell, accounts) });
  const slowestDrainMs = Math.round(Math.max(0, ...scene.drains));
  return { ...verdict, seed: options.seed, counts, convergence, presenceMs, slowestReturnMs, slowestDrainMs };
}

const portsOf = (cell: Cell) => cell.nodes.map((node) => node.port);

function rotated<T>(items: T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

async function registerAll(cell: Cell): Promise<Account[]> {
  const names = Array.from({ length: GROUPS * GROUP_SIZE }, (_each, index) => `person${index}`);
  return Promise.all(names.map((name) => enter(cell.node(0).port, name, "register")));
}

/** Everybody has a device in one crowd, half of them one more in the next; the spy's session will end on the way. */
function devicesOf(
  crowd: number,
  port: number,
  accounts: Account[],
  spy: Account,
  { neverCatchesUp = false }: TrialOptions,
): Omit<DeviceOptions, "random">[] {
  const url = `http://127.0.0.1:${port}`;
  const partnersOf = (index: number) => {
    const group = Math.floor(index / GROUP_SIZE);
    const members = accounts.slice(group * GROUP_SIZE, (group + 1) * GROUP_SIZE);
    return members.map((member) => member.userId).filter((userId) => userId !== accounts[index]?.userId);
  };
  const device = ({ userId, cookie }: Account, index: number, deviceId: string) => {
    return { deviceId, url, cookie, userId, partners: partnersOf(index), neverCatchesUp, givesUp: 0.3 };
  };
  const here = accounts.flatMap((account, index) => {
    const isFirst = index % CROWDS === crowd;
    const isSecond = index % 2 === 0 && (index + 1) % CROWDS === crowd;
    return isFirst || isSecond ? [device(account, index, `${account.name}.${crowd}`)] : [];
  });
  return crowd === 0 ? [...here, device(spy, 0, SPY)] : here;
}

const SPY = "spy";

/** Goes through all faults again and again in a shuffled order, now and then two at once. */
async function hurt(scene: Scene, options: TrialOptions, spy: Account) {
  const counts: Record<string, number> = {};
  const end = performance.now() + options.ms;
  let slowestReturnMs = 0;
  let round: string[] = [];
  await pause(1000);
  await logOut(scene.cell.node(1).port, spy.cookie);
  scene.crowds[0]?.tell({ order: "loggedOut", deviceId: SPY });
  const total = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  while (performance.now() < end || total() < (options.atLeast ?? 0)) {
    if (round.length === 0) round = shuffled(options.only ?? possibleFaults(), scene.random);
    const names = chosen(round, scene.random);
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    options.report?.(names.join(" and "));
    await inflict(scene, names);
    slowestReturnMs = Math.max(slowestReturnMs, await untilReady(scene.cell));
    scene.crowds[0]?.tell({ order: "haunt", deviceId: SPY });
    await pause(scene.random.between(300, 900));
  }
  return { counts, slowestReturnMs: Math.round(slowestReturnMs) };
}

const STORES = ["MariaDB", "Redis"];
const isOfNodes = (name: string) => NODE_FAULTS.includes(name);

/** Clocks can only be set back where libfaketime is installed. */
function possibleFaults(): string[] {
  return Object.keys(faults).filter((name) => name !== "clock step" || canFakeClocks());
}

function chosen(round: string[], random: Random): string[] {
  const first = round.shift() ?? "";
  const second = round[0];
  const isPair = second !== undefined && random.next() < 0.25;
  // A node that stands still cannot drain, two faults of nodes leave none, no node starts without stores, and what was
  // killed cannot be frozen.
  const names = isPair ? [first, second] : [];
  const isOfOne =
    names.every(isOfNodes) || STORES.some((store) => names.every((name) => name.endsWith(store)));
  const isTooMuch = isOfOne || names.some((name) => STARTING.includes(name));
  if (!isPair || isTooMuch) return [first];
  round.shift();
  return [first, second];
}

async function inflict(scene: Scene, names: string[]): Promise<void> {
  const undo: { name: string; heal: () => Promise<void> }[] = [];
  for (const name of names) {
    const fault = faults[name];
    if (fault) undo.push({ name, heal: await fault(scene) });
  }
  // Long enough, with a store, that everybody's patience runs out.
  const isStore = names.some((name) => STORES.some((store) => name.endsWith(store)));
  await pause(scene.random.between(300, isStore ? 6000 : 2500));
  // Stores come back before the nodes that need them, and everybody logs in again when both are there.
  const rank = (name: string) => (name === "FLUSHALL" ? 2 : Number(isOfNodes(name)));
  for (const { heal } of undo.toSorted((one, other) => rank(one.name) - rank(other.name))) {
    await healing(heal, scene.cell);
  }
}

/** Logging in again has to wait until stores are back. */
async function healing(heal: () => Promise<void>, cell: Cell): Promise<void> {
  try {
    await heal();
  } catch {
    await untilReady(cell);
    await heal();
  }
}

/** How long it takes until every node says that it can serve, in ms. */
async function untilReady(cell: Cell): Promise<number> {
  const since = performance.now();
  for (const { port } of cell.nodes) {
    while (!(await isReady(port))) {
      if (performance.now() - since > RETURN_MS) throw new Error("a node did not come back");
      await pause(50);
    }
  }
  return performance.now() - since;
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

function shuffled<T>(items: T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function readTables(cell: Cell): Promise<Pick<Evidence, "messages" | "memberships" | "conversations">> {
  const [messages] = await cell.pool.query<
    (Omit<StoredMessage, "clientId"> & { clientId: Buffer } & RowDataPacket)[]
  >(
    `SELECT id, conversation_id AS conversationId, seq, rev, sender_id AS senderId, client_id AS clientId, message
     FROM messages`,
  );
  const [memberships] = await cell.pool.query<(StoredMembership & RowDataPacket)[]>(
    `SELECT conversation_id AS conversationId, user_id AS userId, delivered_seq AS deliveredSeq, read_seq AS readSeq,
            unread_count AS unread FROM memberships`,
  );
  const [conversations] = await cell.pool.query<
    ({ id: number; lastSeq: number; lastRev: number } & RowDataPacket)[]
  >("SELECT id, last_seq AS lastSeq, last_rev AS lastRev FROM conversations");
  return {
    messages: messages.map((row) => ({ ...row, clientId: clientIdText(row.clientId) })),
    memberships,
    conversations,
  };
}

/** Everything once more as somebody sees it who logs in afresh and reads page by page. */
async function readPages(cell: Cell, accounts: Account[]): Promise<Evidence["pages"]> {
  const [rows] = await cell.pool.query<({ conversationId: number; a: number; b: number } & RowDataPacket)[]>(
    `SELECT id AS conversationId, SUBSTRING_INDEX(direct_key, ':', 1) + 0 AS a, SUBSTRING_INDEX(direct_key, ':', -1) + 0 AS b
     FROM conversations`,
  );
  const pages: Evidence["pages"] = [];
  for (const { name } of accounts) {
    const { userId, cookie } = await enter(cell.node(1).port, name, "login");
    for (const { conversationId, a, b } of rows.filter((row) => row.a === userId || row.b === userId)) {
      const messages = await readHistory(cell.node(1).port, cookie, a === userId ? b : a);
      pages.push({ conversationId, userId, messages });
    }
  }
  return pages;
}
