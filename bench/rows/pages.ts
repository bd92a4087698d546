import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { getRequest, openConnection } from "../load/http.ts";
import type { Order, PageRequest, Sends, Target } from "../load/orders.ts";
import type { Server } from "../support/processes.ts";
import { type Bench, inTurn, type Line, type Row, totalOf } from "./row.ts";

/** Pages as somebody who is signed in reads them, beside answers that were ready before they were asked for. */

const CONNECTIONS = 32;
const FRIENDS = 20;
const HISTORY = 120;
const OTHERS_PER_SECOND = 100;
const HERE_PER_SECOND = 20;

/** Readers and their conversation: player 2n reads what 2n + 1 writes. A few, so that no cache has it easy. */
const READERS = 8;

const readersOf = () => Array.from({ length: READERS }, (_each, index) => index * 2);

/** Gives each reader a history, and a list of people they talk with. */
export async function fillPages(bench: Bench): Promise<void> {
  const pairs = readersOf().flatMap((reader) => [
    ...friendsOf(bench, reader).map((friend): [number, number] => [reader, friend]),
    ...Array.from({ length: HISTORY }, (): [number, number] => [reader, reader + 1]),
  ]);
  const sends = [{ target: "ours", pairs, perSecond: 500 }];
  await bench.run(
    pagesOrder(bench, bench.ours, [homeOf(bench, 0)], sends, (pairs.length / 500) * 1000 + 500),
  );
}

function friendsOf(bench: Bench, reader: number): number[] {
  const first = READERS * 2 + reader * FRIENDS;
  return Array.from({ length: FRIENDS }, (_each, index) => (first + index) % bench.players.length);
}

function pagesOrder(
  bench: Bench,
  target: Target,
  requests: PageRequest[],
  sends: Sends[] = [],
  ms = bench.ms,
): Order {
  return { task: "pages", target, requests, connections: CONNECTIONS, ms, sends };
}

function chatOf(bench: Bench, reader: number): PageRequest {
  const [viewer, other] = [bench.players[reader], bench.players[reader + 1]];
  if (!viewer || !other) throw new RangeError("too few players");
  return {
    ...{ path: `/chat/${other.id}`, cookie: viewer.cookie, accept: "text/html" as const },
    mustHave: [`Chat with: ${other.name}`, `Welcome, ${viewer.name}<`, "data-seq="],
    conversation: [reader, reader + 1],
  };
}

function homeOf(bench: Bench, reader: number): PageRequest {
  const viewer = bench.players[reader];
  if (!viewer) throw new RangeError("too few players");
  return {
    ...{ path: "/", cookie: viewer.cookie, accept: "text/html" as const },
    mustHave: [`Welcome, ${viewer.name}!`],
  };
}

/** What somebody who types a name asks for, letter by letter. */
function searchesOf(bench: Bench, reader: number): PageRequest[] {
  const viewer = bench.players[reader];
  const name = bench.players[reader + 3]?.name ?? "";
  return [1, 2, 3, 4].map((letters) => ({
    ...{ path: `/?q=${name.slice(0, letters)}`, cookie: viewer?.cookie ?? "" },
    ...{ accept: "application/json" as const, mustHave: [`"username":`, "data-user-id"] },
  }));
}

function olderOf(bench: Bench, reader: number): PageRequest[] {
  const { path, cookie } = chatOf(bench, reader);
  return [101, 81, 61].map((before) => ({
    ...{ path: `${path}/messages?before=${before}`, cookie },
    ...{ accept: "application/json" as const, mustHave: [`"seq":${before - 1},`, `"seq":${before - 50},`] },
  }));
}

/** The limit's address of an answer that the app gave once. */
async function bufferOf(bench: Bench, name: string, { path, cookie, accept }: PageRequest): Promise<Target> {
  const connection = openConnection(bench.stage.app.url);
  const { body } = await connection.ask(getRequest(bench.stage.app.url, path, cookie, accept));
  connection.close();
  writeFileSync(join(buffers(bench), name), body);
  return { name: "pages", url: (await pagesLimit(bench)).url };
}

function buffers(bench: Bench): string {
  const folder = join(bench.stage.environment.DATA_DIR ?? "", "bench-buffers");
  mkdirSync(folder, { recursive: true });
  return folder;
}

function pagesLimit(bench: Bench): Promise<Server> {
  return bench.limit("pages.ts", {
    DATABASE_URL: bench.stage.databaseUrl("causerie"),
    BUFFERS: buffers(bench),
  });
}

function buffered(name: string, requests: PageRequest[]): PageRequest[] {
  return requests.map(({ cookie, accept }) => ({ path: `/buffer/${name}`, cookie, accept, mustHave: [] }));
}

interface Wanted {
  title: string;
  name: string;
  what: string;
  atLeast: number;
  requests: (bench: Bench) => PageRequest[];
}

const LINES = ({ what, atLeast }: Wanted): Record<string, Line> => ({
  perSecond: { what, unit: "/s", digits: 0, goal: { atLeast } },
  cpu: { what: "CPU a thousand, all servers", unit: "s", digits: 3 },
});

async function read(bench: Bench, server: Server, order: Order) {
  const { figures, cpu } = await bench.costOf(server, order);
  return { perSecond: figures.done / figures.seconds, cpu: (totalOf(cpu) / figures.done) * 1000 };
}

/** A kind of page beside a prepared buffer of the same bytes. */
function besideBuffer(wanted: Wanted): Row {
  return {
    title: wanted.title,
    lines: LINES(wanted),
    prepare: async (bench) => void (await bench.run(pagesOrder(bench, bench.ours, wanted.requests(bench)))),
    round: async (bench, number) => {
      const requests = wanted.requests(bench);
      const [first] = requests;
      if (!first) throw new RangeError("nothing to ask for");
      const target = await bufferOf(bench, wanted.name, first);
      const { ours, limit } = await inTurn(
        number,
        () => read(bench, bench.stage.app, pagesOrder(bench, bench.ours, requests)),
        async () =>
          read(bench, await pagesLimit(bench), pagesOrder(bench, target, buffered(wanted.name, requests))),
      );
      return {
        perSecond: { ours: ours.perSecond, limit: limit.perSecond },
        cpu: { ours: ours.cpu, limit: limit.cpu },
      };
    },
  };
}

const chats = (bench: Bench) => readersOf().map((reader) => chatOf(bench, reader));

export const unchangedRow = besideBuffer({
  title: "Conversation page, unchanged",
  ...{ name: "chat", what: "pages/s, 50 messages", atLeast: 0.5, requests: chats },
});

export const listRow = besideBuffer({
  title: "List of people",
  ...{ name: "list", what: "pages/s", atLeast: 0.4 },
  requests: (bench) => readersOf().map((reader) => homeOf(bench, reader)),
});

export const searchRow = besideBuffer({
  title: "Search as one types",
  ...{ name: "search", what: "answers/s", atLeast: 0.4 },
  requests: (bench) => readersOf().flatMap((reader) => searchesOf(bench, reader)),
});

export const olderRow = besideBuffer({
  title: "Older messages",
  ...{ name: "older", what: "answers/s, 50 messages", atLeast: 0.4 },
  requests: (bench) => readersOf().flatMap((reader) => olderOf(bench, reader)),
});

/** The same page while messages arrive, beside itself when none do. */
function whileArriving(title: string, atLeast: number, sendsOf: (bench: Bench) => Sends[]): Row {
  return {
    title,
    lines: { perSecond: { what: "pages/s, of the unchanged", unit: "/s", digits: 0, goal: { atLeast } } },
    round: async (bench, number) => {
      const order = (sends: Sends[]) => pagesOrder(bench, bench.ours, chats(bench), sends);
      const { ours, limit } = await inTurn(
        number,
        () => read(bench, bench.stage.app, order(sendsOf(bench))),
        () => read(bench, bench.stage.app, order([])),
      );
      return { perSecond: { ours: ours.perSecond, limit: limit.perSecond } };
    },
  };
}

/** Half of them in conversations of the readers, so that their lists change as well. */
export const othersRow = whileArriving(`Page, ${OTHERS_PER_SECOND}/s arrive in others`, 0.8, (bench) => {
  const [own = 0] = readersOf();
  const foreign = bench.players.length - 2;
  const pairs = friendsOf(bench, own).flatMap((friend): [number, number][] => [
    [own, friend],
    [foreign, foreign + 1],
  ]);
  return [{ target: "ours", pairs, perSecond: OTHERS_PER_SECOND }];
});

export const hereRow = whileArriving(`Page, ${HERE_PER_SECOND}/s arrive in it`, 0.5, () => {
  const pairs = readersOf().map((reader): [number, number] => [reader, reader + 1]);
  return [{ target: "ours", pairs, perSecond: HERE_PER_SECOND }];
});

/** Needs a stage whose app keeps no answers. */
export const uncachedRow: Row = {
  title: "Conversation page, nothing cached",
  lines: {
    cpu: { what: "CPU a thousand, all servers", unit: "s", digits: 3, goal: { atMost: 1.3 } },
    perSecond: { what: "pages/s", unit: "/s", digits: 0 },
  },
  prepare: async (bench) => void (await bench.run(pagesOrder(bench, bench.ours, chats(bench)))),
  round: async (bench, number) => {
    const limitServer = await pagesLimit(bench);
    const target = { name: "pages", url: limitServer.url };
    const requests = await limitChats(bench);
    const { ours, limit } = await inTurn(
      number,
      () => read(bench, bench.stage.app, pagesOrder(bench, bench.ours, chats(bench))),
      () => read(bench, limitServer, pagesOrder(bench, target, requests)),
    );
    return {
      cpu: { ours: ours.cpu, limit: limit.cpu },
      perSecond: { ours: ours.perSecond, limit: limit.perSecond },
    };
  },
};

/** The same conversations at the limit, which knows them by their ids. */
async function limitChats(bench: Bench): Promise<PageRequest[]> {
  const connection = await createConnection(bench.stage.databaseUrl("causerie"));
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT id, direct_key AS directKey FROM conversations",
  );
  await connection.end();
  const ids = new Map(rows.map((row) => [row.directKey, row.id]));
  return readersOf().map((reader) => {
    const [a, b] = [bench.players[reader]?.id, bench.players[reader + 1]?.id];
    const path = `/chat/${ids.get(`${a}:${b}`)}`;
    const cookie = bench.players[reader]?.cookie ?? "";
    return { path, cookie, accept: "text/html" as const, mustHave: ["data-seq="] };
  });
}
