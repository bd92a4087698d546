import { config } from "../platform/config.ts";
import { spent } from "../platform/limits.ts";
import type { Sockets } from "./publish.ts";
import { type Connection, cut } from "./slow-readers.ts";

/**
 * Holds each connection to so many frames in so much time, whatever they are. Above that events are answered
 * `too_many` and nothing is done; a connection that sends twice as many is closed.
 */

/** Of one connection: what came in the window that is running. */
interface Count {
  frames: number;
  /** When the window ends, by this process's clock in ms. */
  until: number;
}

const CLOSE_FACTOR = 2;
const counts = new WeakMap<object, Count>();

export function limitFloods(io: Sockets): void {
  if (config.limits.eventsPerSocket === null) return;
  io.engine.on("connection", (connection: Connection) => {
    counts.set(connection, { frames: 0, until: 0 });
    // Before Socket.IO reads it, so that what it cannot read counts as well.
    connection.on("packet", count);
  });
}

/** One function for all connections, which is `this`. */
function count(this: Connection): void {
  const rate = config.limits.eventsPerSocket;
  const counted = counts.get(this);
  if (!rate || !counted) return;
  const now = performance.now();
  if (now >= counted.until) Object.assign(counted, { frames: 0, until: now + rate.durationS * 1000 });
  counted.frames += 1;
  if (counted.frames > CLOSE_FACTOR * rate.points) cut(this);
}

/** To be asked before an event does anything. @throws Refusal `too_many` with `retryAfterS` */
export function refuseFlood(connection: Connection): void {
  const rate = config.limits.eventsPerSocket;
  const counted = counts.get(connection);
  if (rate && counted && counted.frames > rate.points)
    throw spent("eventsPerSocket", counted.until - performance.now());
}
