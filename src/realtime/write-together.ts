import type { Sockets } from "./publish.ts";
import type { Connection } from "./slow-readers.ts";

/**
 * Holds back what is sent to a connection until this turn of the event loop has done its work, so that everything for
 * it (news, and the acknowledgement that follows it) leaves in one write: a write is the dearest part of a message.
 */
export function writeTogether(io: Sockets): void {
  // Just before it is sent; one function for all connections, which is `this`.
  io.engine.on("connection", (connection: Connection) => void connection.on("packetCreate", hold));
}

function hold(this: Connection): void {
  const { transport, request } = this;
  // Something is on its way already, or held: what comes now waits for it, and for each other, without us.
  if (!transport.writable) return;
  transport.writable = false;
  request.socket.cork();
  // After all promises that are settled by now, and so after every acknowledgement of the batch.
  process.nextTick(() => {
    transport.writable = true;
    try {
      transport.emit("ready");
    } finally {
      request.socket.uncork();
    }
  });
}
