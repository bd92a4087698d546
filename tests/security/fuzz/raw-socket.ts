import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** A WebSocket that writes frames as they are, right or wrong. */
export interface RawSocket {
  /** Writes bytes as they stand. */
  write: (bytes: Buffer) => void;
  /** Sends a text frame. */
  send: (text: string) => void;
  /** Resolves with the acknowledgement of an event, `closed` when the server closed, `silent` after `ms`. */
  answerTo: (id: number, ms?: number) => Promise<string>;
  isOpen: () => boolean;
  close: () => void;
}

const TEXT = 1;
const CLOSE = 8;
const WAIT_MS = 5000;

/** Opens a socket as a page does. @throws Error when the server refuses */
export async function openRawSocket(url: string, cookie: string): Promise<RawSocket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true).on("error", () => undefined);
  socket.write(
    [
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1`,
      ...[
        `Host: ${host}`,
        `Origin: ${url}`,
        `Cookie: ${cookie}`,
        "Upgrade: websocket",
        "Connection: Upgrade",
      ],
      ...[`Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`, "Sec-WebSocket-Version: 13", "\r\n"],
    ].join("\r\n"),
  );
  const waiting = new Map<number, (answer: string) => void>();
  const settle = (id: number, answer: string) => {
    waiting.get(id)?.(answer);
    waiting.delete(id);
  };
  await untilConnected(socket, (text) => {
    if (text === "2") socket.write(frame("3"));
    const [, id, answer = ""] = /^43(\d+)(.*)$/s.exec(text) ?? [];
    if (id !== undefined) settle(Number(id), answer);
  });
  socket.on("close", () => {
    for (const id of waiting.keys()) settle(id, "closed");
  });
  return {
    write: (bytes) => void socket.write(bytes),
    send: (text) => void socket.write(frame(text)),
    isOpen: () => !socket.destroyed,
    close: () => socket.destroy(),
    answerTo: (id, ms = WAIT_MS) => {
      if (socket.destroyed) return Promise.resolve("closed");
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(id, "silent"), ms);
        waiting.set(id, (answer) => {
          clearTimeout(timer);
          resolve(answer);
        });
      });
    },
  };
}

/** Reads what the server says, once Socket.IO let us in. */
function untilConnected(socket: Socket, hear: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest: Buffer = Buffer.alloc(0);
    let isUpgraded = false;
    socket.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      if (!isUpgraded) {
        const end = rest.indexOf("\r\n\r\n");
        if (end === -1) return;
        if (!rest.toString("latin1", 0, end).startsWith("HTTP/1.1 101")) return socket.destroy();
        isUpgraded = true;
        rest = rest.subarray(end + 4);
        socket.write(frame("40"));
      }
      for (let read = readFrame(rest); read; read = readFrame(rest)) {
        rest = rest.subarray(read.end);
        // It waits for our half of the goodbye, which nobody here says.
        if (read.opcode === CLOSE) return socket.destroy();
        if (read.text.startsWith("40")) resolve();
        hear(read.text);
      }
    });
    socket.on("end", () => socket.destroy());
    socket.on("close", () => reject(new Error("the server refused the socket")));
  });
}

/** One frame of the server's, which are never masked. */
function readFrame(data: Buffer): { opcode: number; text: string; end: number } | null {
  if (data.length < 2) return null;
  const short = (data[1] ?? 0) & 0x7f;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (data.length < head) return null;
  const length =
    short === 126 ? data.readUInt16BE(2) : short === 127 ? Number(data.readBigUInt64BE(2)) : short;
  if (data.length < head + length) return null;
  const opcode = (data[0] ?? 0) & 0x0f;
  return {
    opcode,
    text: opcode === TEXT ? data.toString("utf8", head, head + length) : "",
    end: head + length,
  };
}

/** A client's frame. `first` is its first byte, FIN and opcode, where it shall be another one. */
export function frame(payload: string | Buffer, first = 0x80 | TEXT, isMasked = true): Buffer {
  const body = Buffer.from(payload);
  const [size = 0, ...more] = body.length < 126 ? [body.length] : [126, body.length >> 8, body.length & 0xff];
  // A mask of zeros is as good as any, and leaves the payload as it is.
  const mask = isMasked ? [0, 0, 0, 0] : [];
  return Buffer.concat([Buffer.from([first, (isMasked ? 0x80 : 0) | size, ...more, ...mask]), body]);
}
