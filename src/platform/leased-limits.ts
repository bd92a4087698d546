import { audit } from "./audit.ts";
import { config } from "./config.ts";
import { type Lease, type LimitName, leaseOf, spent } from "./limits.ts";
import { RedisUnavailable } from "./redis.ts";

/**
 * Limits on what happens too often to ask Redis each time. A process takes a twentieth of a limit at once and uses
 * it up by itself; the first of each window it uses on credit, while it asks. So all processes together keep to the
 * limit, but for one such lease each, and nobody waits for Redis below it. While Redis is away each process counts
 * for itself.
 */

const LEASES_A_WINDOW = 20;
const SWEEP_MIN = 1000;

/** What one person may still do in the window that is running. */
interface Account {
  /** Below 0 where more was used on credit than there was. */
  left: number;
  /** Used on credit, not yet asked for. */
  owed: number;
  /** Taken by this process in this window. */
  taken: number;
  /** When the window ends, by this process's clock in ms. */
  until: number;
  /** Nobody gets more in this window. */
  isSpent: boolean;
  asking: Promise<void> | null;
}

/** By limit and person. */
const accounts = new Map<LimitName, Map<number, Account>>();

/** Takes one of what `key` may still do. @throws Refusal `too_many` with `retryAfterS` */
export async function spendLeased(limit: LimitName, key: number): Promise<void> {
  const rate = config.limits[limit];
  if (!rate) return;
  const size = Math.ceil(rate.points / LEASES_A_WINDOW);
  let account = accountOf(limit, key, size, rate.durationS * 1000);
  while (account.left < 1) {
    if (account.isSpent) throw spent(limit, account.until - performance.now());
    await refill(account, limit, key, size);
    account = accountOf(limit, key, size, rate.durationS * 1000);
  }
  account.left -= 1;
  if (!account.isSpent && (account.owed > 0 || account.left * 2 < size))
    void refill(account, limit, key, size);
}

function accountOf(limit: LimitName, key: number, size: number, windowMs: number): Account {
  const ofLimit = accounts.get(limit) ?? new Map<number, Account>();
  const known = ofLimit.get(key);
  const now = performance.now();
  if (known && known.until > now) return known;
  sweep(now);
  accounts.set(limit, ofLimit);
  const until = now + windowMs;
  const fresh: Account = { left: size, owed: size, taken: 0, until, isSpent: false, asking: null };
  ofLimit.set(key, fresh);
  return fresh;
}

/** Asks for another lease, once however many wait for it. Never fails. */
function refill(account: Account, limit: LimitName, key: number, size: number): Promise<void> {
  account.asking ??= take(account, limit, key, account.owed || size).finally(() => {
    account.asking = null;
  });
  return account.asking;
}

async function take(account: Account, limit: LimitName, key: number, wanted: number): Promise<void> {
  const lease = await leaseOf(limit, key, wanted).catch((error) => leaseHere(error, account, limit));
  account.left += lease.granted - account.owed;
  account.owed = 0;
  account.taken += lease.granted;
  account.until = performance.now() + lease.forMs;
  account.isSpent = lease.granted < wanted;
  if (account.isSpent) audit("limit_reached", { reason: limit, userId: key });
}

/** Without Redis: all of the limit, for this process alone; at once, so that a frozen Redis is waited for once. */
function leaseHere(error: unknown, account: Account, limit: LimitName): Lease {
  if (!(error instanceof RedisUnavailable)) throw error;
  const { points = 0 } = config.limits[limit] ?? {};
  return {
    granted: Math.max(0, points - account.taken),
    forMs: Math.max(0, account.until - performance.now()),
  };
}

let sweepAt = SWEEP_MIN;

const countAll = () => [...accounts.values()].reduce((sum, { size }) => sum + size, 0);

/** Forgets those whose window is over, each time their number has doubled. */
function sweep(now: number): void {
  if (countAll() < sweepAt) return;
  for (const ofLimit of accounts.values())
    for (const [key, account] of ofLimit) if (account.until <= now) ofLimit.delete(key);
  sweepAt = Math.max(SWEEP_MIN, 2 * countAll());
}
