import { randomUUID } from "node:crypto";
import { batched } from "../platform/batched.ts";
import { config } from "../platform/config.ts";
import { tooMany } from "../platform/errors.ts";
import { log } from "../platform/log.ts";
import { defineScript, runScript } from "../platform/redis.ts";

/**
 * How many sockets a person or a network has open on all nodes together. Each node writes its own number into Redis,
 * where it lasts a minute and is renewed, so that a crash leaves nobody locked out for longer.
 */

const NODE = randomUUID();
const LASTS_MS = 60_000;
const RENEW_MS = 20_000;
const BATCH = 500;
const RETRY_AFTER_S = 30;

const own = new Map<string, number>();

/** KEYS: hashes of numbers by node. ARGV: node, how long a number lasts in ms, this node's number for each key. */
const SCRIPT = defineScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local sums = {}
for i, key in ipairs(KEYS) do
  if tonumber(ARGV[i + 2]) > 0 then
    redis.call('HSET', key, ARGV[1], ARGV[i + 2] .. ':' .. string.format('%.0f', now + ARGV[2]))
    redis.call('PEXPIRE', key, ARGV[2])
  else
    redis.call('HDEL', key, ARGV[1])
  end
  local sum = 0
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    local count, due = string.match(fields[j + 1], '^(%d+):(%d+)$')
    if tonumber(due) > now then sum = sum + count else redis.call('HDEL', key, fields[j]) end
  end
  sums[i] = sum
end
return sums`);

/**
 * Counts one socket more, until `release`.
 *
 * @throws Refusal `too_many` when there are `max` already
 * @throws RedisUnavailable
 */
export async function claim(key: string, max: number | null): Promise<void> {
  if (max === null) return;
  const ordinal = (own.get(key) ?? 0) + 1;
  own.set(key, ordinal);
  try {
    const elsewhere = (await countElsewhere(key)) ?? 0;
    // By its ordinal, so that of many that come at once the first ones are let in.
    if (elsewhere + ordinal > max) throw tooMany(RETRY_AFTER_S, "errors.429.sockets");
  } catch (error) {
    release(key);
    throw error;
  }
}

/** One socket less. */
export function release(key: string): void {
  const left = (own.get(key) ?? 0) - 1;
  if (left < 0) return;
  if (left === 0) own.delete(key);
  else own.set(key, left);
  countElsewhere(key).catch(reportLater);
}

/** Keeps this node's numbers from running out; the returned function stops that and takes them away. */
export function keepSocketCounts(): () => void {
  const timer = setInterval(() => writeAll([...own.keys()]).catch(reportLater), RENEW_MS);
  return () => {
    clearInterval(timer);
    const keys = [...own.keys()];
    own.clear();
    writeAll(keys).catch(reportLater);
  };
}

/** Writes down how many there are here, and tells how many there are elsewhere. */
const countElsewhere = batched(writeAll);

async function writeAll(keys: string[]): Promise<Map<string, number>> {
  const elsewhere = new Map<string, number>();
  for (let start = 0; start < keys.length; start += BATCH) {
    const some = keys.slice(start, start + BATCH);
    const here = some.map((key) => own.get(key) ?? 0);
    const sums = await write(some, here);
    for (const [index, key] of some.entries()) elsewhere.set(key, (sums[index] ?? 0) - (here[index] ?? 0));
  }
  return elsewhere;
}

/** The numbers of all nodes together, in the order of `keys`. */
async function write(keys: string[], counts: number[]): Promise<number[]> {
  const places = keys.map((key) => `${config.redisPrefix}sockets:${key}`);
  const answer = await runScript(SCRIPT, places, [NODE, String(LASTS_MS), ...counts.map(String)]);
  return Array.isArray(answer) ? answer.map(Number) : [];
}

/** What is not counted now is with the next renewal, or runs out. */
function reportLater(error: unknown): void {
  log.debug({ reason: String(error) }, "open sockets could not be counted");
}
