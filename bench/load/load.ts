import type { Figures, Order } from "./orders.ts";
import { keepLoggingIn, readPages, sendForms } from "./reading.ts";
import { keepSending, pace, saturate } from "./sending.ts";
import { Talks } from "./talks.ts";

/** The load, as a process of its own: takes orders from the bench and answers each with its figures. */

const SETTLE_MS = 15_000;
const talks = new Map<string, Talks>();

function talksOf(target: string): Talks {
  const found = talks.get(target);
  if (!found) throw new Error(`nothing is open on ${target}`);
  return found;
}

async function follow(order: Order): Promise<Partial<Figures>> {
  switch (order.task) {
    case "open": {
      const since = performance.now();
      const opened = new Talks(order.target, order.players);
      talks.set(order.target.name, opened);
      await opened.open(order.tabs, order.atOnce);
      const done = order.players.length * order.tabs;
      return { done, seconds: (performance.now() - since) / 1000, wrong: opened.wrong };
    }
    case "close":
      await talksOf(order.target).close();
      talks.delete(order.target);
      return {};
    case "saturate":
      return counted(order.target, (open) => saturate(open, order.pairs, order.inFlight, order.ms));
    case "pace":
      return counted(order.target, (open) => pace(open, order.pairs, order.perSecond, order.ms));
    case "forms":
      return sendForms(order.target, order.players, order.inFlight, order.ms);
    case "pages":
      return read(order);
    case "logins":
      return keepLoggingIn(order.target, order.names, order.password, order.atOnce, order.ms);
  }
}

/** A task on open sockets, with how many were acknowledged by it in all, the last ones included. */
async function counted(target: string, run: (open: Talks) => Promise<Partial<Figures>>) {
  const open = talksOf(target);
  const before = open.acknowledged;
  const figures = await run(open);
  return { ...figures, wrong: open.wrong, sent: open.acknowledged - before };
}

async function read(order: Extract<Order, { task: "pages" }>): Promise<Partial<Figures>> {
  const { target, requests, connections, ms, sends } = order;
  const open = [...new Set(sends.map((each) => each.target))].map(talksOf);
  const before = sum(open.map((each) => each.acknowledged));
  const stop = keepSending(talksOf, sends);
  const newestOf = (pair: string) => Math.max(0, ...open.map((each) => each.newest.get(pair) ?? 0));
  const figures = await readPages(target, requests, connections, ms, newestOf);
  stop();
  for (const each of open) await each.settled(SETTLE_MS);
  const wrong = [...figures.wrong, ...open.flatMap((each) => each.wrong)];
  return { ...figures, wrong, sent: sum(open.map((each) => each.acknowledged)) - before };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

process.on("message", async ({ id, order }: { id: number; order: Order }) => {
  const cpu = process.cpuUsage();
  try {
    const figures = await follow(order);
    const { user, system } = process.cpuUsage(cpu);
    process.send?.({
      id,
      figures: { done: 0, seconds: 0, wrong: [], ...figures, cpu: (user + system) / 1e6 },
    });
  } catch (error) {
    process.send?.({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});
