import { log } from "../platform/log.ts";
import { findLivesLeft, useSession } from "../platform/session-store.ts";
import type { Sockets } from "./publish.ts";
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
    if (looking) return;
    looking = true;
    try {
      await look(io);
    } catch (error) {
      log.debug({ reason: String(error) }, "the end of sessions is not known");
    }
    looking = false;
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** A socket knows when its session ends unless it is used until then; only those at that time are asked about. */
async function look(io: Sockets): Promise<void> {
  const now = Date.now();
  const due = [...io.of("/").sockets.values()].filter(({ data }) => (data.endsAt ?? 0) <= now);
  const sids = [...new Set(due.map(({ data }) => data.sessionId))].slice(0, LOOK_MAX);
  const left = await findLivesLeft(sids);
  const lives = new Map(sids.map((sid, index) => [sid, left[index] ?? 0]));
  for (const socket of due) {
    const life = lives.get(socket.data.sessionId);
    if (life === undefined) continue;
    if (life < 0) socket.disconnect(true);
    else socket.data.endsAt = now + life;
  }
}
