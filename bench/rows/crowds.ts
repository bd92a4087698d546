import type { Order, Player } from "../load/orders.ts";
import { collectGarbage } from "../support/inspector.ts";
import { makeAccounts, PASSWORD } from "../support/players.ts";
import { memoryOf, type Server } from "../support/processes.ts";
import { type Bench, inTurn, pacedOrder, type Row } from "./row.ts";

/** Many people at once: what they cost, how fast they come, and what a flood of logins does to the others. */

const BARE = "sockets.ts";

async function openOn(bench: Bench, target: { name: string; url: string }, players: Player[], tabs = 1) {
  const order: Order = { task: "open", target, players, tabs, atOnce: players.length * tabs };
  return bench.run(order);
}

const bareTarget = (server: Server) => ({ name: "bare", url: server.url });

/** After the garbage is collected: memory that is free but not given back is no cost. */
export const memoryRow: Row = {
  title: "Memory of somebody connected",
  rounds: 3,
  lines: { bytes: { what: "KB a person, idle", unit: "KB", digits: 1, goal: { atMost: 1.3 } } },
  // What the first ones bring into memory (code, tables) is nobody's own.
  prepare: async (bench) => {
    const bare = await bench.limit(BARE);
    await memoryOfPeople(bench, bench.stage.app, bench.ours);
    await memoryOfPeople(bench, bare, bareTarget(bare));
  },
  round: async (bench, number) => {
    const bare = await bench.limit(BARE);
    const { ours, limit } = await inTurn(
      number,
      () => memoryOfPeople(bench, bench.stage.app, bench.ours),
      () => memoryOfPeople(bench, bare, bareTarget(bare)),
    );
    return { bytes: { ours, limit } };
  },
};

async function memoryOfPeople(bench: Bench, server: Server, target: { name: string; url: string }) {
  const before = await collectGarbage(server.pid);
  await openOn(bench, target, bench.players);
  const held = await collectGarbage(server.pid);
  await bench.run({ task: "close", target: target.name });
  return (held - before) / bench.players.length / 1024;
}

export const arrivalRow: Row = {
  title: "Everybody connects at once",
  rounds: 3,
  lines: {
    seconds: { what: "seconds until the last is in", unit: "s", digits: 2, goal: { atMost: 2 } },
    people: { what: "people", unit: "", digits: 0 },
  },
  round: async (bench, number) => {
    const bare = await bench.limit(BARE);
    const arrive = async (target: { name: string; url: string }) => {
      const { seconds } = await openOn(bench, target, bench.players);
      await bench.run({ task: "close", target: target.name });
      return seconds;
    };
    const { ours, limit } = await inTurn(
      number,
      () => arrive(bench.ours),
      () => arrive(bareTarget(bare)),
    );
    const people = bench.players.length;
    return { seconds: { ours, limit }, people: { ours: people, limit: people } };
  },
};

const TABS = 5;
const CROWD_PER_SECOND = 200;

export const crowdRow: Row = {
  title: `Everybody with ${TABS} tabs, ${CROWD_PER_SECOND} messages/s`,
  lines: {
    otherP99: { what: "to the last tab of the other, p99", unit: "ms", digits: 1, goal: { atMost: 150 } },
    otherP50: { what: "the same, p50", unit: "ms", digits: 1 },
    sockets: { what: "sockets", unit: "", digits: 0 },
    memory: { what: "memory of the app", unit: "MB", digits: 0 },
    messages: { what: "messages, all of them acknowledged and delivered to every tab", unit: "", digits: 0 },
  },
  rounds: 1,
  prepare: async (bench) => {
    await bench.run({ task: "open", target: bench.ours, players: bench.players, tabs: TABS, atOnce: 64 });
  },
  round: async (bench) => {
    const order = { ...pacedOrder(bench, "ours", CROWD_PER_SECOND), ms: bench.crowdMs };
    const figures = await bench.run(order);
    await bench.run({ task: "close", target: "ours" });
    return {
      otherP99: { ours: figures.otherP99 ?? 0 },
      otherP50: { ours: figures.otherP50 ?? 0 },
      sockets: { ours: bench.players.length * TABS },
      memory: { ours: memoryOf(bench.stage.app.pid) / (1 << 20) },
      messages: { ours: figures.done },
    };
  },
};

const GUESSERS = 50;
const GUESSED_PER_SECOND = 500;

const guessed = Array.from({ length: GUESSERS }, (_each, index) => `guessed${index}`);

export const loginFloodRow: Row = {
  title: `${GUESSERS} logins at once, kept up`,
  lines: {
    otherP99: {
      what: "messages to the other meanwhile, p99",
      unit: "ms",
      digits: 1,
      goal: { atMost: 250 },
    },
    otherP99Without: { what: "the same without the flood", unit: "ms", digits: 1 },
    logins: { what: "logins answered", unit: "/s", digits: 1 },
  },
  prepare: async (bench) => {
    await makeAccounts(bench.stage, guessed);
    await bench.run({ task: "open", target: bench.ours, players: bench.players, tabs: 1, atOnce: 64 });
  },
  round: async (bench) => {
    const order = pacedOrder(bench, "ours", GUESSED_PER_SECOND);
    const without = await bench.run(order);
    const [flood, during] = await Promise.all([
      bench.run({
        ...{ task: "logins", target: bench.ours, names: guessed, password: PASSWORD },
        ...{ atOnce: GUESSERS, ms: bench.ms + 500 },
      }),
      bench.run(order),
    ]);
    return {
      otherP99: { ours: during.otherP99 ?? 0 },
      otherP99Without: { ours: without.otherP99 ?? 0 },
      logins: { ours: flood.done / flood.seconds },
    };
  },
};
