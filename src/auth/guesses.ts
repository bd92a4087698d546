import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { Request, Response } from "express";
import type { Actor } from "../conversations/conversations.ts";
import { networkOf } from "../platform/addresses.ts";
import { config } from "../platform/config.ts";
import { readCookie, viewerOf } from "../platform/context.ts";
import { Refusal } from "../platform/errors.ts";
import { giveBack, type LimitName, spend } from "../platform/limits.ts";

/**
 * Limits on guessing passwords and codes, by which who guesses locks out only themselves. Each guess counts for where it
 * comes from, and once more for all places together, or else whoever has many addresses could guess for ever. That
 * second count would let them shut the owner out, so whoever got in before has counts of their own: a browser that
 * logged in under a name keeps a signed cookie for it, as OWASP's "Blocking Brute Force Attacks" describes, and a
 * session is one that got in. Only a browser that was never seen can find the door shut by strangers, for a while.
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

/** Somebody who has to prove once more who they are, and from where. */
export interface Prover extends Actor {
  network: string;
  /** What only who got in before can have: a session, or the cookie of a device; null without. */
  known: string | null;
}

/** Whoever is signed in. @throws Refusal `unauthorized` when nobody is */
export function proverOf(request: Request, response: Response): Prover {
  const { id: userId } = viewerOf(response);
  return { userId, network: networkOf(request), known: `session ${request.sessionID}` };
}

/** Whoever gave the right password and is to give a code. */
export function pendingProverOf(
  request: Request,
  { userId, nameKey }: { userId: number; nameKey: string },
): Prover {
  const { network, deviceCookie } = originOf(request);
  const device = deviceOf(nameKey, deviceCookie);
  return { userId, network, known: device === null ? null : `device ${device}` };
}

/** What was typed is not right: this counts, and nothing else does. */
export class WrongGuess extends Refusal {}

/**
 * Runs one try at a login, counted before it is looked at and given back unless it was wrong.
 *
 * @throws Refusal `too_many`, or whatever `attempt` throws
 */
export function countingGuesses<T>(nameKey: string, origin: Origin, attempt: () => Promise<T>): Promise<T> {
  return counting(loginCounts(nameKey, origin), undefined, attempt);
}

/** The same for somebody who is asked again, or for the second step. */
export function countingProofs<T>(kind: Proof, prover: Prover, attempt: () => Promise<T>): Promise<T> {
  return counting(proofCounts(kind, prover), prover.userId, attempt);
}

type Proof = "password" | "code" | "recovery code";
type Count = [LimitName, string];

/** Place by place, so that one whose own count is used up takes nothing of what counts for all. */
async function counting<T>(
  counts: Count[],
  userId: number | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const taken: Count[] = [];
  try {
    for (const [limit, key] of counts) {
      await spend(limit, key, userId);
      taken.push([limit, key]);
    }
    const result = await attempt();
    await forgive(taken);
    return result;
  } catch (error) {
    // Neither a store that was away meanwhile nor a door that others shut is a wrong guess.
    if (!(error instanceof WrongGuess)) await forgive(taken);
    throw error;
  }
}

const forgive = (taken: Count[]) => Promise.all(taken.map(([limit, key]) => giveBack(limit, key)));

function loginCounts(nameKey: string, { network, deviceCookie }: Origin): Count[] {
  const device = deviceOf(nameKey, deviceCookie);
  if (device !== null) return [["loginPerName", `device ${device} ${nameKey}`]];
  return [
    ["loginPerAddress", network],
    ["loginPerName", `network ${network} ${nameKey}`],
    ["loginPerNameAnywhere", nameKey],
  ];
}

function proofCounts(kind: Proof, { userId, network, known }: Prover): Count[] {
  const whose = `${userId} ${known ?? "unknown"}`;
  const here = `${network} ${whose}`;
  if (kind === "password") {
    return [
      ["passwordPerUser", here],
      ["passwordPerUserAnywhere", whose],
    ];
  }
  // Nobody guesses 80 random bits: by a recovery code one gets in while others use up the six digits.
  if (kind === "recovery code") return [["codePerUser", here]];
  return [
    ["codePerUser", here],
    ["codePerUserAnywhere", whose],
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
