import { config } from "../platform/config.ts";
import { spent } from "../platform/limits.ts";
import { failureOf, isFunction } from "./handlers.ts";
import type { Sockets } from "./publish.ts";
import { cut } from "./slow-readers.ts";

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
  const rate = config.limits.eventsPerSocket;
  if (!rate) return;
  io.engine.on("connection", (connection) => {
    const count: Count = { frames: 0, until: 0 };
    counts.set(connection, count);
    // Before Socket.IO reads it, so that what it cannot read counts as well.
    connection.on("packet", () => {
      const now = performance.now();
      if (now >= count.until) Object.assign(count, { frames: 0, until: now + rate.durationS * 1000 });
      count.frames += 1;
      if (count.frames > CLOSE_FACTOR * rate.points) cut(connection);
    });
  });
  io.on("connection", (socket) => {
    const count = counts.get(socket.conn);
    socket.use((values, next) => {
      if (!count || count.frames <= rate.points) return next();
      const answer: unknown = values.at(-1);
      const refusal = spent("eventsPerSocket", count.until - performance.now());
      if (isFunction(answer)) answer({ ok: false, error: failureOf(refusal, socket.data.locale) });
    });
  });
}
