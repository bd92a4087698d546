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
  const matches = await inTurn(() => bcrypt.compare(digest(password), hash ?? decoyHash()));
  return matches && hash !== undefined;
}

/**
 * bcrypt reads no further than byte 72 and stops at NUL, so it is given a digest of fixed length; keyed, so
 * that a stolen table alone cannot be guessed against.
 */
function digest(password: string): string {
  return createHmac("sha384", config.passwordKey).update(password).digest("base64");
}

/** A hash that no password has: comparing with it costs the same as with a real one, from the first time on. */
function decoyHash(): string {
  return `$2b$${String(config.bcryptCost).padStart(2, "0")}$${".".repeat(53)}`;
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
