import type { RequestHandler } from "express";
import session, { type SessionData } from "express-session";
import { config } from "./config.ts";
import { redis } from "./redis.ts";
import { SessionStore, sessionPrefix } from "./session-store.ts";

declare module "express-session" {
  interface SessionData {
    userId: number;
    /** Whoever gave the right password and not yet a code. They are signed in nowhere: `userId` is missing. */
    pending?: PendingLogin;
    /** The user's `auth_version` at login; an older one means that the session was ended. */
    authVersion: number;
    /** When it began, in ms since 1970. */
    createdAt: number;
    /** Where it began, for its person to recognise it: the address, and the names of browser and system. */
    address: string;
    browser: string;
    system: string;
  }
}

/** The first step of a login that takes two. */
export interface PendingLogin {
  userId: number;
  authVersion: number;
  nameKey: string;
  next: string;
  /** Until when the second step may be taken, in ms since 1970. */
  until: number;
}

const COOKIE_MAX_AGE_MS = 400 * 86_400_000; // what browsers keep at most; the expiry in Redis decides

let store: SessionStore;

/** The cookie's name; the `__Host-` prefix makes browsers refuse one set by a neighbour domain. */
export function cookieName(): string {
  return config.https ? "__Host-causerie" : "causerie";
}

/** Sessions. After login nothing writes one again: a late save would bring a destroyed one back. */
export function sessions(): RequestHandler {
  store = new SessionStore({ client: redis, prefix: sessionPrefix() });
  return session({
    store,
    name: cookieName(),
    secret: config.sessionSecret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", secure: config.https, path: "/", maxAge: COOKIE_MAX_AGE_MS },
  });
}

/** Ends a session that may be another browser's. @throws RedisUnavailable */
export async function endStoredSession(sid: string): Promise<void> {
  await store.destroy(sid);
}

/** Reads a session as it stands now; null when it was destroyed or ran out. @throws RedisUnavailable */
export async function readSession(sid: string): Promise<SessionData | null> {
  return (await store.get(sid)) ?? null;
}
