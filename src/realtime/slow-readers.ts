import { config } from "../platform/config.ts";
import type { Sockets } from "./publish.ts";
import type { ChatSocket } from "./sockets.ts";

/** A client that never reads would make this process keep all of its news. */

const LOOK_MS = 1000;

/** A connection as Engine.IO has it. */
export type Connection = ChatSocket["conn"];

/** Cuts connections for which more waits than `LIMIT_SOCKET_BUFFER_KB`; stops with the returned function. */
export function cutSlowReaders(io: Sockets): () => void {
  const { bufferBytes } = config.socketLimits;
  if (bufferBytes === null) return () => undefined;
  io.engine.on("connection", (connection: Connection) => {
    open.add(connection);
    connection.on("close", forget);
  });
  const timer = setInterval(() => {
    for (const connection of open) if (waitingBytes(connection) > bufferBytes) cut(connection);
  }, LOOK_MS);
  return () => clearInterval(timer);
}

const open = new Set<Connection>();

/** One function for all connections, which is `this`. */
function forget(this: Connection): void {
  open.delete(this);
}

/** Ends a connection at once: a polite end would wait behind all that is not read. */
export function cut(connection: Connection): void {
  connection.request.socket.destroy();
}

/** What the kernel did not take yet, and what Engine.IO holds back until it does. */
function waitingBytes(connection: Connection): number {
  const held: unknown = Reflect.get(connection, "writeBuffer");
  let bytes = connection.request.socket.writableLength;
  for (const packet of Array.isArray(held) ? held : []) bytes += packet?.data?.length ?? 0;
  return bytes;
}
