import { connectRedis, type Redis } from "../platform/redis.ts";
import { StartError } from "../platform/start-error.ts";

/** What Redis knows of a chat that is restored. */

const CONNECT_MS = 2000;
const KEYS_AT_ONCE = 1000;

/** @throws StartError when it cannot be reached */
export async function openSessions(url: string): Promise<Redis> {
  try {
    return await connectRedis(url, CONNECT_MS);
  } catch (error) {
    throw new StartError(
      `Cannot use Redis (${error instanceof Error ? error.message : error}): start it first.`,
    );
  }
}

/** Whether a node that shares this Redis with others runs: each listens for what the others publish. */
export async function isInUse(redis: Redis, prefix: string): Promise<boolean> {
  return (await redis.pubSubChannels(`${literal(prefix)}socket.io*`)).length > 0;
}

/**
 * Forgets everything that is kept of people. A session names a user by number, and in an older picture of the
 * database that number may be free: whoever registers next would get it, and the session with it.
 */
export async function forgetEverybody(redis: Redis, prefix: string): Promise<void> {
  for await (const keys of redis.scanIterator({ MATCH: `${literal(prefix)}*`, COUNT: KEYS_AT_ONCE })) {
    if (keys.length > 0) await redis.unlink(keys);
  }
}

/** A text within one of Redis's patterns, meaning itself. */
function literal(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, "\\$&");
}
