import { createHash } from "node:crypto";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { audit } from "./audit.ts";
import { config } from "./config.ts";
import { tooMany } from "./errors.ts";
import type { Limits } from "./limit-settings.ts";
import { ask, redis } from "./redis.ts";

/** Limits that all nodes share, counted in Redis. While it does not answer nothing passes. */

export type LimitName = keyof Limits;

/** What somebody is told who has used a limit up; the others are told in general words. */
const SENTENCES: Partial<Record<LimitName, string>> = {
  loginPerName: "auth.error.tooMany",
  loginPerNameAnywhere: "auth.error.tooMany",
  loginPerAddress: "auth.error.tooMany",
  passwordPerUser: "auth.error.tooMany",
  passwordPerUserAnywhere: "auth.error.tooMany",
  codePerUser: "auth.error.tooMany",
  codePerUserAnywhere: "auth.error.tooMany",
  registerPerAddress: "auth.error.tooManyAccounts",
  sendPerUser: "chat.error.tooMany",
};

/**
 * Takes one of what `key` may still do under a limit. Take it before the work, so that many tries at once
 * count as many; where only failures shall count, give it back with `giveBack` after a success.
 *
 * @param key whose limit it is: a network, a name; kept as a digest
 * @param userId whose account it is about, for the audit log
 * @throws Refusal `too_many` with `retryAfterS`
 * @throws RedisUnavailable
 */
export async function spend(limit: LimitName, key: string, userId?: number): Promise<void> {
  const rate = config.limits[limit];
  if (!rate) return;
  const used = await ask(counterOf(limit).consume(keyText(key)).catch(refusedCount));
  if (used.consumedPoints <= rate.points) return;
  // The first refusal of a window stands for those that follow: who goes on trying fills no log.
  if (used.consumedPoints === rate.points + 1) audit("limit_reached", { reason: limit, userId });
  throw spent(limit, used.msBeforeNext);
}

/** What a process may use up by itself. */
export interface Lease {
  granted: number;
  /** Until the window ends. */
  forMs: number;
}

/** Takes up to `points` at once; fewer where fewer are left. @throws RedisUnavailable */
export async function leaseOf(limit: LimitName, key: number, points: number): Promise<Lease> {
  const { points: all = 0 } = config.limits[limit] ?? {};
  const used = await ask(counterOf(limit).consume(keyText(key), points).catch(refusedCount));
  const leftBefore = all - (used.consumedPoints - points);
  return { granted: Math.max(0, Math.min(points, leftBefore)), forMs: used.msBeforeNext };
}

/** Takes back what `spend` took, after what it guards turned out well. Never fails: the limit then stays as it is. */
export async function giveBack(limit: LimitName, key: string): Promise<void> {
  if (config.limits[limit]) await ask(counterOf(limit).reward(keyText(key))).catch(() => undefined);
}

/** The refusal of whoever has used a limit up. */
export function spent(limit: LimitName, forMs: number): Error {
  return tooMany(Math.max(1, Math.ceil(forMs / 1000)), SENTENCES[limit]);
}

const counters = new Map<LimitName, RateLimiterRedis>();

function counterOf(limit: LimitName): RateLimiterRedis {
  const made = counters.get(limit);
  if (made) return made;
  const { points = 0, durationS = 0 } = config.limits[limit] ?? {};
  const counter = new RateLimiterRedis({
    ...{ storeClient: redis, useRedisPackage: true, keyPrefix: `${config.redisPrefix}limit:${limit}` },
    ...{ points, duration: durationS },
  });
  counters.set(limit, counter);
  return counter;
}

/** The library throws the count of whoever is over the limit; everything else it throws is a failure. */
function refusedCount(thrown: unknown): RateLimiterRes {
  if (thrown instanceof RateLimiterRes) return thrown;
  throw thrown;
}

/** What was typed into a form may be of any length, and may be a password in the wrong field. */
function keyText(key: string | number): string {
  return typeof key === "number" ? String(key) : createHash("sha256").update(key).digest("base64url");
}
