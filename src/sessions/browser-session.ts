import type { Request, Response } from "express";
import type { SessionData } from "express-session";
import type { Account } from "../auth/auth.ts";
import { addressOf } from "../platform/addresses.ts";
import { config } from "../platform/config.ts";
import { cookieName, type PendingLogin } from "../platform/session.ts";
import { announce } from "../realtime/attendance.ts";
import { cutSession } from "../realtime/publish.ts";
import { endPageLeases } from "../users/presence.ts";
import { deviceOf } from "./device.ts";
import { endOldest } from "./sessions.ts";

/** The session of the browser that asks: how it begins and ends. */

/**
 * A new session id for whoever comes in, so that one planted before the login is worth nothing. Whoever was
 * signed in until now in the same browser is out, sockets included, and so is who has too many sessions in the oldest.
 *
 * @param createdAt when the login was, in ms since 1970
 */
export async function beginSession(
  request: Request,
  account: Account,
  createdAt = Date.now(),
): Promise<void> {
  // Of an IPv4 address within IPv6 only the address.
  const address = addressOf(request).replace(/^::ffff:/i, "");
  await renew(request, { ...account, createdAt, address, ...deviceOf(request.get("User-Agent")) });
  await endOldest(account.userId);
}

const PENDING_MS = 10 * 60_000;

/** The same for whoever has given the right password and is to give a code: signed in nowhere, out where they were. */
export function beginPending(request: Request, login: Omit<PendingLogin, "until">): Promise<void> {
  return renew(request, { pending: { ...login, until: Date.now() + PENDING_MS } });
}

function renew(request: Request, data: Partial<SessionData>): Promise<void> {
  const { sessionID, session } = request;
  const wasSignedIn = session.userId !== undefined;
  return new Promise((resolve, reject) => {
    session.regenerate((error) => {
      if (error) return reject(error);
      if (wasSignedIn) cutSession(sessionID);
      Object.assign(request.session, data);
      request.session.save((failure) => {
        if (!failure) return resolve();
        // Or else the end of this request would set its cookie, and try once more to save it.
        request.session.destroy(() => reject(failure));
      });
    });
  });
}

/** Ends the session in Redis, its sockets on every node, its cookie, and what else held the person online. */
export async function leave(request: Request, response: Response): Promise<void> {
  const { viewer } = response.locals;
  const sessionId = request.sessionID;
  await end(request);
  cutSession(sessionId);
  // Nothing else may fail what has happened already: leases also run out by themselves.
  if (viewer)
    await endPageLeases(viewer.id)
      .then(announce)
      .catch(() => undefined);
  response.clearCookie(cookieName(), { path: "/", httpOnly: true, sameSite: "lax", secure: config.https });
}

function end(request: Request): Promise<void> {
  return new Promise((resolve, reject) => {
    request.session.destroy((error) => (error ? reject(error) : resolve()));
  });
}
