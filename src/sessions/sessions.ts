import { createHash } from "node:crypto";
import type { Account } from "../auth/auth.ts";
import { confirmIdentity } from "../auth/confirm.ts";
import type { Prover } from "../auth/guesses.ts";
import { notFound, overtaken } from "../platform/errors.ts";
import { log } from "../platform/log.ts";
import { endStoredSession } from "../platform/session.ts";
import { findSessionsOf, type IndexedSession, removeSessionsOf } from "../platform/session-store.ts";
import { cutPerson, cutSession } from "../realtime/publish.ts";
import { raiseAuthVersion } from "./sessions.queries.ts";

/** A session as its person sees it. */
export interface ActiveSession {
  /** Names it to its person; tells nothing of the session's own id. */
  id: string;
  browser: string;
  system: string;
  address: string;
  createdAt: Date;
  usedAt: Date;
  isCurrent: boolean;
}

/** Whoever asks, and by which session. */
export interface SessionActor extends Prover {
  authVersion: number;
  sid: string;
}

/** Where the actor is logged in: here first, then by last use. @throws RedisUnavailable */
export async function listSessions(actor: SessionActor): Promise<ActiveSession[]> {
  const sessions = (await findStanding(actor)).map((session) => shown(session, actor));
  return sessions.sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

/** One of them. @throws Refusal `not_found` for what is not the actor's */
export async function findSession(actor: SessionActor, id: string): Promise<ActiveSession> {
  return shown(await findOwn(actor, id), actor);
}

/** Ends one of the actor's sessions, sockets included. @throws Refusal `forbidden`, `not_found` */
export async function revokeSession(
  actor: SessionActor,
  { id, password }: { id: string; password: string },
): Promise<void> {
  const { sid } = await findOwn(actor, id);
  await confirmIdentity(actor, password);
  await endStoredSession(sid);
  cutSession(sid);
}

/**
 * Ends all of the actor's sessions, this one as well.
 *
 * @returns what a new session for this browser is to hold
 * @throws Refusal `forbidden` for a wrong password, `conflict` when another change was faster
 */
export async function revokeAllSessions(actor: SessionActor, password: string): Promise<Account> {
  const { authVersion } = await confirmIdentity(actor, password);
  if (!(await raiseAuthVersion(actor.userId, authVersion))) throw overtaken();
  await endSessions(actor.userId);
  return { userId: actor.userId, authVersion: authVersion + 1 };
}

/** After `auth_version` was raised: cuts every socket, on every node, and forgets the sessions that are over by it. */
export async function endSessions(userId: number): Promise<void> {
  cutPerson(userId);
  await removeSessionsOf(userId).catch((error) => {
    log.warn({ reason: String(error) }, "sessions that are over could not be taken away; they run out");
  });
}

/** More than anybody's browsers; each is a place to guess from, a row of the list, and memory. */
const SESSIONS_MAX = 100;

/** After a login: ends what is too many, those first that were not used for longest, sockets included. */
export async function endOldest(userId: number): Promise<void> {
  const ended = await removeSessionsOf(userId, SESSIONS_MAX).catch((error) => {
    log.warn({ reason: String(error) }, "old sessions could not be ended; the next login does it");
    return [];
  });
  for (const sid of ended) cutSession(sid);
}

async function findOwn(actor: SessionActor, id: string): Promise<IndexedSession> {
  const found = (await findStanding(actor)).find(({ sid }) => publicId(sid) === id);
  if (!found) throw notFound();
  return found;
}

async function findStanding({ userId, authVersion }: SessionActor): Promise<IndexedSession[]> {
  const sessions = await findSessionsOf(userId);
  return sessions.filter(({ data }) => data.userId === userId && data.authVersion === authVersion);
}

function shown({ sid, data, usedAt }: IndexedSession, actor: SessionActor): ActiveSession {
  const { browser, system, address, createdAt } = data;
  return {
    ...{ id: publicId(sid), browser, system, address },
    createdAt: new Date(createdAt),
    usedAt: new Date(usedAt),
    isCurrent: sid === actor.sid,
  };
}

/** A session id is 24 random bytes: no digest of it leads back. */
function publicId(sid: string): string {
  return createHash("sha256").update(sid).digest("base64url").slice(0, 22);
}
