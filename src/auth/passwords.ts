import { createHmac } from "node:crypto";
import bcrypt from "bcrypt";
import { config } from "../platform/config.ts";
import { Refusal } from "../platform/errors.ts";

/** Scheme 1: bcrypt over base64(HMAC-SHA-384(PASSWORD_KEY, password)). */
export const PASSWORD_SCHEME = 1;

const LENGTH_MIN = 8; // characters
const BYTES_MAX = 1024;

/** Hashes that may wait while one is computed; more would wait longer than anybody does. */
const QUEUE_MAX = 40;

/** @throws Refusal `invalid` with the reason */
export function refuseUnfitPassword(password: string): void {
  if (!password.isWellFormed()) throw new Refusal("invalid", "auth.error.passwordInvalid");
  if ([...password].length < LENGTH_MIN) throw new Refusal("invalid", "auth.error.passwordShort");
  if (Buffer.byteLength(password) > BYTES_MAX) throw new Refusal("invalid", "auth.error.passwordLong");
}

/** The hash to store under `PASSWORD_SCHEME`. @throws Refusal `unavailable` when too many wait */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => bcrypt.hash(digest(password), config.bcryptCost));
}

/**
 * Whether the password is the one behind the hash. Without a hash (nobody has the name) it takes as long and
 * says no, so that the time tells nothing. @throws Refusal `unavailable` when too many wait
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  const typed = digest(password);
  return inTurn(async () => {
    const matches = hash !== undefined && (await bcrypt.compare(typed, hash));
    await spendTheRest(typed, hash);
    return matches;
  });
}

/** Whether a hash was made under other settings than those of now, so that a new one should take its place. */
export function isOutdated({ passwordHash, passwordScheme }: StoredPassword): boolean {
  return passwordScheme !== PASSWORD_SCHEME || costOf(passwordHash) !== config.bcryptCost;
}

interface StoredPassword {
  passwordHash: string;
  passwordScheme: number;
}

/** The dearest hash that is in use: the setting's, or one of before the setting was lowered. */
let costMax = 0;

/**
 * Every answer takes as long as the dearest hash, whatever the setting was when a hash was made, or else a cheaper one
 * would tell that somebody has the name. Each step of the cost doubles the work, so comparing once at each cost from c
 * up to C - 1 makes the work of c up to that of C.
 */
async function spendTheRest(typed: string, hash: string | undefined): Promise<void> {
  const cost = costOf(hash);
  costMax = Math.max(costMax, config.bcryptCost, cost ?? 0);
  if (cost === null) await bcrypt.compare(typed, decoyHash(costMax));
  else for (let each = cost; each < costMax; each += 1) await bcrypt.compare(typed, decoyHash(each));
}

/**
 * bcrypt reads no further than byte 72 and stops at NUL, so it is given a digest of fixed length; keyed, so
 * that a stolen table alone cannot be guessed against.
 */
function digest(password: string): string {
  return createHmac("sha384", config.passwordKey).update(password).digest("base64");
}

/** What a hash cost; null for none, and for what is no hash of ours. */
function costOf(hash = ""): number | null {
  const cost = /^\$2[aby]\$(0[4-9]|1[0-5])\$.{53}$/.exec(hash)?.[1];
  return cost === undefined ? null : Number(cost);
}

/** A hash that no password has: comparing with it costs the same as with a real one, from the first time on. */
function decoyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}

let waiting = 0;
let turn: Promise<unknown> = Promise.resolve();

/** One hash at a time, off the event loop: a flood of logins then costs a message 3 ms, not 13. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting >= QUEUE_MAX) throw new Refusal("unavailable", "auth.error.busy");
  waiting += 1;
  const mine = turn.then(work);
  turn = mine.catch(() => undefined);
  try {
    return await mine;
  } finally {
    waiting -= 1;
  }
}
