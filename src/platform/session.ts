import { RedisStore } from "connect-redis";
import type { RequestHandler } from "express";
import session, { type SessionData } from "express-session";
import { config } from "./config.ts";
import { ask, redis } from "./redis.ts";

declare module "express-session" {
  interface SessionData {
    userId: number;
    /** The user's `auth_version` at login; an older one means that the session was ended. */
    authVersion: number;
  }
}

const COOKIE_MAX_AGE_MS = 400 * 86_400_000; // what browsers keep at most; Redis's idle expiry decides

/** connect-redis with a deadline on every wait: a frozen Redis must become an error, not a hanging page. */
class SessionStore extends RedisStore {
  override get(sid: string, done?: Done<SessionData | null>) {
    return settle(ask(super.get(sid)), done);
  }
  override set(sid: string, data: SessionData, done?: Done<unknown>) {
    return settle(ask(super.set(sid, data)), done);
  }
  override touch(sid: string, data: SessionData, done?: Done<unknown>) {
    return settle(ask(super.touch(sid, data)), done);
  }
  override destroy(sid: string, done?: Done<unknown>) {
    return settle(ask(super.destroy(sid)), done);
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

let store: SessionStore;

/** The cookie's name; the `__Host-` prefix makes browsers refuse one set by a neighbour domain. */
export function cookieName(): string {
  return config.https ? "__Host-causerie" : "causerie";
}

/**
 * Sessions in Redis. After login nothing writes a session again (a late save would bring a destroyed one
 * back); each request only moves its expiry.
 */
export function sessions(): RequestHandler {
  const prefix = `${config.redisPrefix}session:`;
  store = new SessionStore({ client: redis, prefix, ttl: () => config.sessionIdleMs / 1000 });
  return session({
    store,
    name: cookieName(),
    secret: config.sessionSecret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", secure: config.https, path: "/", maxAge: COOKIE_MAX_AGE_MS },
  });
}

/** Reads a session as it stands now; null when it was destroyed or ran out. @throws RedisUnavailable */
export async function readSession(sid: string): Promise<SessionData | null> {
  return (await store.get(sid)) ?? null;
}

/** Reads many sessions in one go, in the order of `sids`. @throws RedisUnavailable */
export async function readSessions(sids: string[]): Promise<(SessionData | null)[]> {
  if (sids.length === 0) return [];
  const texts = await ask(redis.mGet(sids.map((sid) => `${config.redisPrefix}session:${sid}`)));
  return texts.map((text) => (typeof text === "string" ? JSON.parse(text) : null));
}
