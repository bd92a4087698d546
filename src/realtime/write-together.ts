import type { Socket } from "socket.io";
import type { Sockets } from "./publish.ts";

/**
 * Holds back what is sent to the sockets of these rooms until this turn of the event loop has done its work, so
 * that everything for one socket (news, and the acknowledgement that follows it) leaves in one write: a write is
 * the dearest part of a message.
 */
export function writeTogether(io: Sockets, rooms: Iterable<string>): void {
  const { adapter, sockets } = io.of("/");
  for (const room of rooms) {
    for (const id of adapter.rooms.get(room) ?? []) {
      const socket = sockets.get(id);
      if (socket) hold(socket);
    }
  }
}

function hold({ conn, request }: Pick<Socket, "conn" | "request">): void {
  const { transport } = conn;
  // Something is on its way already: what comes now waits for it, and for each other, without us.
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
