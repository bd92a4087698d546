import type { RowDataPacket } from "mysql2/promise";
import { io } from "socket.io-client";
import { type Account, enter } from "./accounts.ts";
import type { Cell } from "./cell.ts";
import type { Crowd } from "./crowds.ts";

/** How long after the last fault every device shows what is stored, and dots show who is there. */
export interface Convergence {
  /** ms from the end of the last fault until a device's outbox is empty and its messages and badges are right. */
  p50: number;
  p99: number;
  max: number;
  /** Devices that were not right within 30 s. */
  never: number;
}

const LIMIT_MS = 30_000;

export async function converge(cell: Cell, crowds: Crowd[]): Promise<Convergence> {
  const since = performance.now();
  const rightSince = new Map<string, number>();
  let wrong = 1;
  while (wrong > 0 && performance.now() - since < LIMIT_MS) {
    const truth = await readTruth(cell);
    const standings = (await Promise.all(crowds.map((crowd) => crowd.standings()))).flat();
    wrong = 0;
    for (const { deviceId, userId, waiting, threads } of standings) {
      const held = new Map(threads.map(([id, count, , unread]) => [id, `${count}/${unread}`]));
      const own = truth.filter((row) => row.userId === userId);
      const isRight =
        waiting === 0 && own.every((row) => held.get(row.conversationId) === `${row.lastSeq}/${row.unread}`);
      if (!isRight) rightSince.delete(deviceId);
      else if (!rightSince.has(deviceId)) rightSince.set(deviceId, performance.now() - since);
      wrong += Number(!isRight);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const times = [...rightSince.values()].sort((a, b) => a - b);
  const at = (part: number) =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1), never: wrong };
}

interface Truth {
  conversationId: number;
  userId: number;
  lastSeq: number;
  unread: number;
}

async function readTruth(cell: Cell): Promise<Truth[]> {
  const [rows] = await cell.pool.query<(Truth & RowDataPacket)[]>(
    `SELECT m.conversation_id AS conversationId, m.user_id AS userId, c.last_seq AS lastSeq, m.unread_count AS unread
     FROM memberships m JOIN conversations c ON c.id = m.conversation_id WHERE c.last_seq > 0`,
  );
  return rows;
}

/**
 * Kills one crowd, as a power cut does, and waits until exactly those with a device left are online.
 *
 * @returns ms until then; infinite when not within 30 s
 */
export async function convergePresence(cell: Cell, crowds: Crowd[], accounts: Account[]): Promise<number> {
  const port = cell.node(0).port;
  const watcher = await enter(port, `watcher${Date.now()}`, "register");
  const url = `http://127.0.0.1:${port}`;
  const socket = io(url, {
    transports: ["websocket"],
    extraHeaders: { cookie: watcher.cookie, origin: url },
  });
  try {
    const last = crowds.at(-1);
    const left = (await Promise.all(crowds.slice(0, -1).map((crowd) => crowd.standings()))).flat();
    const expected = new Set(left.map((standing) => standing.userId));
    const since = performance.now();
    await last?.close();
    while (performance.now() - since < LIMIT_MS) {
      const answer: { ok: boolean; users: { userId: number; online: boolean }[] } = await socket
        .timeout(5000)
        .emitWithAck("watchUsers", { userIds: accounts.map((account) => account.userId) })
        .catch(() => ({ ok: false, users: [] }));
      const isRight = answer.ok && answer.users.every((user) => user.online === expected.has(user.userId));
      if (isRight) return Math.round(performance.now() - since);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return Number.POSITIVE_INFINITY;
  } finally {
    socket.disconnect();
  }
}
