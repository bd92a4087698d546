import { randomUUID } from "node:crypto";
import { latencyOf } from "../support/stats.ts";
import { getRequest, type HttpAnswer, openConnection, postRequest } from "./http.ts";
import type { Figures, PageRequest, Player, Target } from "./orders.ts";
import { pairKey } from "./talks.ts";

type Read = Pick<Figures, "done" | "seconds" | "wrong" | "ackP50" | "ackP99">;

/** Reports what is wrong with an answer, or nothing. */
type Check = (answer: HttpAnswer) => string | undefined;

/**
 * Asks for pages one after the other on each of `connections`, and checks every one. `newestOf` tells the newest
 * acknowledged number of a conversation: a page that was asked for later must show it.
 */
export function readPages(
  { url }: Target,
  requests: PageRequest[],
  connections: number,
  ms: number,
  newestOf: (pair: string) => number,
): Promise<Read> {
  const prepared = requests.map(({ path, cookie, accept, mustHave, conversation }) => {
    const marks = mustHave.map((mark) => Buffer.from(mark));
    return { bytes: getRequest(url, path, cookie, accept), marks, conversation };
  });
  let turn = 0;
  return closedLoop(url, connections, ms, () => {
    const request = prepared[turn % prepared.length];
    turn += 1;
    if (!request) throw new RangeError("no page to ask for");
    const pair = request.conversation && pairKey(...request.conversation);
    const newest = pair === undefined ? 0 : newestOf(pair);
    return {
      bytes: request.bytes,
      check: ({ status, body }) => {
        if (status !== 200) return `a page was answered with ${status}`;
        const missing = request.marks.find((mark) => !body.includes(mark));
        if (missing) return `a page lacks ${missing}`;
        return newest > 0 && newestShown(body) < newest ? `a page is stale: ${newest} is missing` : undefined;
      },
    };
  });
}

/** The newest change a page says it shows. */
function newestShown(body: Buffer): number {
  const at = body.indexOf("data-last-rev=");
  return Number.parseInt(body.toString("latin1", at + 15, at + 31), 10);
}

/** Sends by the plain form, `inFlight` at a time, between players 2n and 2n + 1. */
export function sendForms({ url }: Target, players: Player[], inFlight: number, ms: number): Promise<Read> {
  return closedLoop(url, inFlight, ms, () => {
    const place = Math.floor(Math.random() * players.length);
    const [from, to] = [players[place], players[place ^ 1]];
    if (!from || !to) throw new RangeError("players come in pairs");
    const fields = { message: `${randomUUID()} by the plain form`.padEnd(60, "."), clientId: randomUUID() };
    return {
      bytes: postRequest(url, `/chat/${to.id}/messages`, from.cookie, fields),
      check: ({ status, head }) =>
        status === 303 && head.includes(`/chat/${to.id}`) ? undefined : `a form was answered ${head}`,
    };
  });
}

/** Logs in again and again, as whoever guesses does, and leaves without waiting; refusals count as answers. */
export function keepLoggingIn(
  { url }: Target,
  names: string[],
  password: string,
  atOnce: number,
  ms: number,
): Promise<Read> {
  let turn = 0;
  const login = () => {
    turn += 1;
    const username = names[turn % names.length] ?? "";
    return {
      bytes: postRequest(url, "/login", "", { username, password }),
      check: ({ status, head }: HttpAnswer) =>
        [303, 503].includes(status) ? undefined : `a login was answered ${head}`,
    };
  };
  return closedLoop(url, atOnce, ms, login, new Promise((resolve) => setTimeout(resolve, ms)));
}

const WRONG_MAX = 5;

/** @param leaving when whoever still waits for an answer leaves; without it all are waited for */
async function closedLoop(
  url: string,
  connections: number,
  ms: number,
  next: () => { bytes: Buffer; check: Check },
  leaving?: Promise<void>,
): Promise<Read> {
  const wrong: string[] = [];
  const times: number[] = [];
  const since = performance.now();
  const end = since + ms;
  const reader = async () => {
    const connection = openConnection(url);
    while (performance.now() < end) {
      const { bytes, check } = next();
      const asked = performance.now();
      const answer = connection.ask(bytes);
      const answered = await (leaving ? Promise.race([answer, leaving]) : answer);
      if (!answered) break;
      const found = check(answered);
      times.push(performance.now() - asked);
      if (found !== undefined && wrong.length < WRONG_MAX) wrong.push(found);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, reader));
  const { p50, p99 } = latencyOf(times);
  return { done: times.length, seconds: (performance.now() - since) / 1000, wrong, ackP50: p50, ackP99: p99 };
}
