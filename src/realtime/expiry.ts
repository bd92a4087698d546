import { log } from "../platform/log.ts";
import { endOfUse, findLivesLeft, isTooOld, useSession } from "../platform/session-store.ts";
import type { SocketData, Sockets } from "./publish.ts";
import type { ChatSocket } from "./sockets.ts";

/** Sessions that run out while their sockets are open, and sockets that keep their sessions from running out. */

const LOOK_MS = 500;
/** Sessions asked for in one look; after a start everybody comes at once. */
const LOOK_MAX = 2000;

/** What a person does, not what their page does by itself. */
const USES = new Set(["sendMessage", "readMessages", "typing"]);

/** What somebody does through this socket counts as use of their session. */
export function countUse({ data }: ChatSocket, event: string): void {
  if (USES.has(event)) useSession(data.sessionId, data);
}

/** Cuts this node's sockets within a second of their session's end by time; stops with the returned function. */
export function cutExpired(io: Sockets): () => void {
  let looking = false;
  const timer = setInterval(async () => {
    const now = Date.now();
    const due = cutTooOld(io, now);
    if (looking || due.length === 0) return;
    looking = true;
    await look(due, now);
    looking = false;
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/**
 * How old a session may be at most is known here: no store has to answer for that. Goes through all sockets, ten
 * thousand of them twice a second, and so only once and making nothing.
 *
 * @returns those that know only of an end that has come, unless they were used since
 */
function cutTooOld(io: Sockets, now: number): ChatSocket[] {
  const due: ChatSocket[] = [];
  for (const socket of io.of("/").sockets.values()) {
    if (isTooOld(socket.data, now)) socket.disconnect(true);
    else if ((socket.data.endsAt ?? 0) <= now) due.push(socket);
  }
  return due;
}

/** Asks how long these sessions still last. */
async function look(due: ChatSocket[], now: number): Promise<void> {
  const sids = [...new Set(due.map(({ data }) => data.sessionId))].slice(0, LOOK_MAX);
  const lives = await livesLeft(sids);
  for (const socket of due) {
    const life = lives ? lives.get(socket.data.sessionId) : lifeKnownHere(socket.data, now);
    if (life === undefined) continue;
    if (life < 0) socket.disconnect(true);
    else socket.data.endsAt = now + life;
  }
}

/** By session id, in ms; null while Redis does not answer. */
async function livesLeft(sids: string[]): Promise<Map<string, number> | null> {
  try {
    const left = await findLivesLeft(sids);
    return new Map(sids.map((sid, index) => [sid, left[index] ?? 0]));
  } catch (error) {
    log.debug({ reason: String(error) }, "the end of sessions is not known");
    return null;
  }
}

/**
 * What Redis last said and what this process has seen since. A use on another node is not known here; that socket
 * comes back when Redis does.
 */
function lifeKnownHere({ sessionId, endsAt }: SocketData, now: number): number | undefined {
  if (endsAt === undefined) return undefined;
  const life = Math.max(endsAt, endOfUse(sessionId)) - now;
  return life > 0 ? life : -1;
}
