import { createHash } from "node:crypto";
import { createClient } from "redis";
import { withDeadline } from "./deadline.ts";
import { log } from "./log.ts";
import { StartError } from "./start-error.ts";

/**
 * A client that answers at once when Redis is down (no offline queue) and reconnects by itself.
 * Its commands can still hang on a frozen server, so every caller goes through `ask`.
 */
export type Redis = ReturnType<typeof openClient>;

const CONNECT_TIMEOUT_MS = 2000;
const ANSWER_TIMEOUT_MS = 1000;
const PING_INTERVAL_MS = 5000;
const QUEUE_MAX = 50_000;
const RECONNECT_MAX_MS = 1000;

function openClient(url: string) {
  const address = url.startsWith("unix:")
    ? { path: decodeURIComponent(new URL(url).pathname), tls: false as const }
    : {};
  return createClient({
    ...(url.startsWith("unix:") ? {} : { url }),
    disableOfflineQueue: true,
    // A frozen Redis takes commands without answering; what waits for it must not grow without end.
    commandsQueueMaxLength: QUEUE_MAX,
    pingInterval: PING_INTERVAL_MS,
    // `ask` bounds the wait already; a signal for each command is dear, and dearer when nobody needed it.
    commandOptions: { timeout: 0 },
    socket: {
      ...address,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (attempts: number) =>
        Math.min(50 * 2 ** attempts, RECONNECT_MAX_MS) * (0.5 + Math.random() / 2),
    },
  });
}

/** The app's client. */
export let redis: Redis;

/** Opens the app's client and waits for its first connection. @throws StartError when there is none in time */
export async function openRedis(url: string): Promise<void> {
  try {
    redis = await connectRedis(url);
  } catch {
    throw new StartError("Cannot reach Redis: start it, or correct REDIS_URL.");
  }
}

export function closeRedis(): void {
  redis.destroy();
}

/** Opens one more client, for what blocks. @throws DeadlineExceeded when there is no connection in time */
export async function connectRedis(url: string, timeoutMs = 10_000): Promise<Redis> {
  const client = openClient(url);
  let reported = "";
  client.on("error", (error: Error) => {
    if (reported !== error.message) log.warn({ reason: error.message }, "Redis is not reachable");
    reported = error.message;
  });
  client.on("ready", () => {
    // Before anything else is asked: one script that is known could overtake one that is not.
    for (const { text } of scripts) client.scriptLoad(text).catch(() => undefined);
    if (reported !== "") log.info("Redis is back");
    reported = "";
  });
  try {
    await withDeadline(client.connect(), timeoutMs, "Redis");
    return client;
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/** Waits for a command's answer, but never longer than a second. @throws RedisUnavailable */
export async function ask<T>(command: Promise<T>): Promise<T> {
  try {
    return await withDeadline(command, ANSWER_TIMEOUT_MS, "Redis");
  } catch (error) {
    throw new RedisUnavailable("Redis did not answer", { cause: error });
  }
}

/** A Lua script, which Redis is told once and then knows by its digest. */
export interface Script {
  text: string;
  digest: string;
}

const scripts: Script[] = [];

/** Makes a script known to every Redis that is connected to from now on. */
export function defineScript(text: string): Script {
  const script = { text, digest: createHash("sha1").update(text).digest("hex") };
  scripts.push(script);
  return script;
}

/** Runs a script. @throws RedisUnavailable */
export function runScript({ text, digest }: Script, keys: string[], values: string[]): Promise<unknown> {
  const options = { keys, arguments: values };
  const running = redis.evalSha(digest, options).catch((error: unknown) => {
    // Somebody took all scripts away.
    if (!String(error).includes("NOSCRIPT")) throw error;
    return redis.eval(text, options);
  });
  return ask(running);
}

/** Redis is down, frozen or refuses: whoever asked cannot know. */
export class RedisUnavailable extends Error {
  override name = "RedisUnavailable";
}
