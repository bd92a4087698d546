import { RedisStore } from "connect-redis";
import type { SessionData } from "express-session";
import { config } from "./config.ts";
import { log } from "./log.ts";
import { ask, redis } from "./redis.ts";

/**
 * Sessions in Redis, each under a key of its own that runs out by Redis's clock, and an index for each person: their
 * session ids by when each was last used. A session is written once; being used moves only its expiry and its place in
 * the index, at most once a minute, and nobody waits for that.
 */
export class SessionStore extends RedisStore {
  override get(sid: string, done?: Done<SessionData | null>) {
    return settle(ask(super.get(sid)).then(standing), done);
  }
  override set(sid: string, data: SessionData, done?: Done<unknown>) {
    return settle(ask(write(sid, data)), done);
  }
  override touch(sid: string, data: SessionData, done?: Done<unknown>) {
    useSession(sid, data);
    return settle(Promise.resolve(), done);
  }
  override destroy(sid: string, done?: Done<unknown>) {
    return settle(ask(remove(sid)), done);
  }
}

type Done<T> = (error?: unknown, result?: T) => void;

async function settle<T>(result: Promise<T>, done: Done<T> | undefined): Promise<T | undefined> {
  if (!done) return result;
  result.then(
    (value) => done(null, value),
    (error) => done(error),
  );
  return undefined;
}

/** A session of somebody's, and when it was last used (ms since 1970, to the minute). */
export interface IndexedSession {
  sid: string;
  data: SessionData;
  usedAt: number;
}

const USE_MS = 60_000;
const REMEMBERED_MAX = 100_000;

export const sessionPrefix = () => `${config.redisPrefix}session:`;
const keyOf = (sid: string) => sessionPrefix() + sid;
const indexOf = (userId: number) => `${config.redisPrefix}sessions:${userId}`;

/** How often at most being used is written down. */
const useMs = () => Math.min(USE_MS, config.sessionIdleMs / 10);
/** How long an unused session lasts; that much longer, so that one in use never runs out early. */
const idleMs = () => Math.ceil(config.sessionIdleMs + useMs());

/** A session as it was read; null once it is older than any may be. */
function standing(data: SessionData | null | undefined): SessionData | null {
  return data && !isTooOld(data) ? data : null;
}

/** Whether a session has lasted as long as any may, however much it is used. */
export function isTooOld({ createdAt }: { createdAt?: number }, now = Date.now()): boolean {
  return createdAt !== undefined && createdAt + config.sessionAbsoluteMs <= now;
}

function lifeMs({ createdAt }: Pick<SessionData, "createdAt">, now: number): number {
  return Math.ceil(Math.min(idleMs(), createdAt + config.sessionAbsoluteMs - now));
}

/** Both in one step, so that no crash leaves a session that its person cannot see. */
async function write(sid: string, data: SessionData): Promise<void> {
  const now = Date.now();
  const text = JSON.stringify(data);
  if (data.pending) return writePending(keyOf(sid), text, data.pending.until - now);
  used.set(sid, now);
  await redis
    .multi()
    .set(keyOf(sid), text, { expiration: { type: "PX", value: lifeMs(data, now) } })
    .zRemRangeByScore(indexOf(data.userId), "-inf", now - idleMs() - useMs())
    .zAdd(indexOf(data.userId), { score: now, value: sid })
    .pExpire(indexOf(data.userId), idleMs())
    .exec();
}

/** A login that is half done is nobody's session yet, and in no index. */
async function writePending(key: string, text: string, lifeMs: number): Promise<void> {
  await redis.set(key, text, { expiration: { type: "PX", value: lifeMs } });
}

/** When this process last wrote down that a session is used. */
const used = new Map<string, number>();

/** Somebody used their session. Waits for nothing; what is missed is made good by the next use. */
export function useSession(sid: string, data: Pick<SessionData, "userId" | "createdAt">): void {
  const now = Date.now();
  // One of before sessions had a beginning lasts as long as it was given.
  if (data.createdAt === undefined || now - (used.get(sid) ?? 0) < useMs()) return;
  if (used.size >= REMEMBERED_MAX) used.clear();
  used.set(sid, now);
  ask(prolong(sid, data, now)).catch((error) => {
    used.delete(sid);
    log.debug({ reason: String(error) }, "a session's use could not be written down");
  });
}

/** Until when a session lasts by the last use that this process has written down, in ms since 1970; 0 for none. */
export function endOfUse(sid: string): number {
  const at = used.get(sid);
  return at === undefined ? 0 : at + idleMs();
}

/** Does nothing to a session that is gone; its place in the index then is taken away when it is looked at. */
async function prolong(sid: string, data: Pick<SessionData, "userId" | "createdAt">, now: number) {
  await redis
    .multi()
    .pExpire(keyOf(sid), lifeMs(data, now))
    .zAdd(indexOf(data.userId), { score: now, value: sid })
    .pExpire(indexOf(data.userId), idleMs())
    .exec();
}

async function remove(sid: string): Promise<void> {
  used.delete(sid);
  const text = await redis.getDel(keyOf(sid));
  if (typeof text !== "string") return;
  const { userId }: Partial<SessionData> = JSON.parse(text);
  if (userId !== undefined) await redis.zRem(indexOf(userId), sid);
}

/** Sessions by their ids, null where there is none any more. @throws RedisUnavailable */
export async function readAll(sids: string[]): Promise<(SessionData | null)[]> {
  if (sids.length === 0) return [];
  const texts = await ask(redis.mGet(sids.map(keyOf)));
  return texts.map((text) => standing(typeof text === "string" ? JSON.parse(text) : null));
}

/** Somebody's sessions, the last used first; takes those that are gone out of the index. @throws RedisUnavailable */
export async function findSessionsOf(userId: number): Promise<IndexedSession[]> {
  const places = await ask(redis.zRangeWithScores(indexOf(userId), 0, -1, { REV: true }));
  const found = await readAll(places.map(({ value }) => value));
  const gone = places.filter((_place, index) => found[index] === null);
  if (gone.length > 0)
    await ask(
      redis.zRem(
        indexOf(userId),
        gone.map(({ value }) => value),
      ),
    );
  return places.flatMap(({ value: sid, score: usedAt }, index) => {
    const data = found[index];
    return data ? [{ sid, data, usedAt }] : [];
  });
}

/** Takes all sessions of somebody away that are known by now, but for the `kept` last used. @throws RedisUnavailable */
export async function removeSessionsOf(userId: number, kept = 0): Promise<string[]> {
  const sids = await ask(redis.zRange(indexOf(userId), 0, -1 - kept));
  if (sids.length > 0) await ask(redis.multi().del(sids.map(keyOf)).zRem(indexOf(userId), sids).exec());
  return sids;
}

/** How long each session still lasts unless it is used, in ms; negative for one that is gone. @throws RedisUnavailable */
export function findLivesLeft(sids: string[]): Promise<number[]> {
  return ask(Promise.all(sids.map((sid) => redis.pTTL(keyOf(sid)))));
}
