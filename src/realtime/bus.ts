import { createAdapter } from "@socket.io/redis-adapter";
import { config } from "../platform/config.ts";
import { log } from "../platform/log.ts";
import { connectRedis, type Redis } from "../platform/redis.ts";

/**
 * Joins the nodes: what one publishes reaches the sockets of all. Local sockets are served first and without
 * waiting for Redis; what other nodes miss while it is away is caught up from the tables.
 */
export interface Bus {
  adapter: ReturnType<typeof createAdapter>;
  /** Runs when this node hears the others again after it did not for a while. */
  onReturn: (run: () => void) => void;
  close: () => void;
}

/** @throws DeadlineExceeded when Redis cannot be reached */
export async function openBus(url: string): Promise<Bus> {
  const [publisher, subscriber] = await Promise.all([connectRedis(url), connectRedis(url)]);
  const adapter = createAdapter(guarded(publisher), guarded(subscriber), {
    key: `${config.redisPrefix}socket.io`,
  });
  return {
    adapter,
    onReturn: (run) => void subscriber.on("ready", run),
    close: () => {
      closing = true;
      publisher.destroy();
      subscriber.destroy();
    },
  };
}

/**
 * The adapter lets go of the promises of what it asks Redis for, and a rejected one that nobody holds ends the
 * process: here each is held.
 */
function guarded(client: Redis): Redis {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...values: unknown[]) => {
        const result: unknown = member.apply(target, values);
        if (result instanceof Promise) result.catch(reportOnce);
        return result;
      };
    },
  });
}

let closing = false;
let reported = Number.NEGATIVE_INFINITY;
const REPORT_MS = 10_000;

/** A load of a thousand messages a second would else write as many lines. */
function reportOnce(error: unknown): void {
  if (closing || performance.now() - reported < REPORT_MS) return;
  reported = performance.now();
  log.warn({ reason: String(error) }, "other nodes are not reached; their people catch up within 30 s");
}
