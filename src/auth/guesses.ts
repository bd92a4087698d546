import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { Request, Response } from "express";
import { networkOf } from "../platform/addresses.ts";
import { config } from "../platform/config.ts";
import { readCookie } from "../platform/context.ts";
import { Refusal } from "../platform/errors.ts";
import { giveBack, type LimitName, spend } from "../platform/limits.ts";

/**
 * Limits on guessing passwords that let nobody lock somebody else out. A browser that logged in under a name
 * keeps a signed cookie for it, as OWASP's "Blocking Brute Force Attacks" describes: what strangers guessed does
 * not count against it, only what was guessed with that very cookie.
 */

/** Where a login comes from. */
export interface Origin {
  network: string;
  /** What the device cookie says; anything at all. */
  deviceCookie: string;
}

export function originOf(request: Request): Origin {
  return { network: networkOf(request), deviceCookie: readCookie(request, deviceCookieName()) ?? "" };
}

/**
 * Runs one try at a password, counted before it is looked at and given back when it turns out right.
 *
 * @throws Refusal `too_many`, or whatever `attempt` throws
 */
export async function countingGuesses<T>(
  nameKey: string,
  origin: Origin,
  attempt: () => Promise<T>,
): Promise<T> {
  const counts = countsOf(nameKey, origin);
  // In this order, so that one network alone cannot use up what counts for all of them.
  for (const [limit, key] of counts) await spend(limit, key);
  const forgive = () => Promise.all(counts.map(([limit, key]) => giveBack(limit, key)));
  try {
    const result = await attempt();
    await forgive();
    return result;
  } catch (error) {
    // A store that was away meanwhile is nobody's wrong guess.
    if (!(error instanceof Refusal && error.code === "unauthorized")) await forgive();
    throw error;
  }
}

function countsOf(nameKey: string, { network, deviceCookie }: Origin): [LimitName, string][] {
  const device = deviceOf(nameKey, deviceCookie);
  if (device !== null) return [["loginPerName", `device ${device} ${nameKey}`]];
  return [
    ["loginPerAddress", network],
    ["loginPerName", `network ${network} ${nameKey}`],
    ["loginPerNameAnywhere", nameKey],
  ];
}

const KEPT_MS = 400 * 86_400_000; // what browsers keep at most

/** Lets this browser in again under this name, whatever strangers guess meanwhile. */
export function rememberDevice(response: Response, nameKey: string): void {
  const device = randomUUID();
  response.cookie(deviceCookieName(), `${device}.${signature(nameKey, device)}`, {
    ...{ maxAge: KEPT_MS, httpOnly: true, sameSite: "lax", secure: config.https, path: "/login" },
  });
}

/** The device that a cookie proves to have been logged in under this name. */
function deviceOf(nameKey: string, cookie: string): string | null {
  const [device = "", proof = ""] = cookie.split(".");
  const [given, right] = [Buffer.from(proof), Buffer.from(signature(nameKey, device))];
  return given.length === right.length && timingSafeEqual(given, right) ? device : null;
}

function signature(nameKey: string, device: string): string {
  return createHmac("sha256", config.sessionSecret)
    .update(`device\n${device}\n${nameKey}`)
    .digest("base64url");
}

const deviceCookieName = () => (config.https ? "__Secure-causerie-device" : "causerie-device");
