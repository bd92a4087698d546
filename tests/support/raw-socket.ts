import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after } from "node:test";
import type { Causerie } from "./causerie.ts";

/** A WebSocket without a library: it may read or not, and send whatever it likes. */
export interface RawSocket {
  /** What the server answered to the handshake. */
  head: string;
  /** Sends text as one frame. */
  send: (text: string) => void;
  socket: Socket;
  isClosed: () => boolean;
}

/** Shakes hands at `/socket.io` with a session's cookie, from this site's origin. */
export async function openRawSocket(causerie: Causerie, cookie: string): Promise<RawSocket> {
  const { hostname, port, host } = new URL(causerie.url);
  const socket = connect(Number(port), hostname);
  after(() => socket.destroy());
  let isClosed = false;
  socket.on("error", () => undefined).on("close", () => (isClosed = true));
  await once(socket, "connect");
  const lines = [
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
    ...[`Host: ${host}`, `Origin: ${causerie.url}`, `Cookie: ${cookie}`],
    ...["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const [answer]: string[] = await once(socket.setEncoding("latin1"), "data");
  const send = (text: string) => void socket.write(frameOf(text));
  return { head: answer ?? "", send, socket, isClosed: () => isClosed };
}

/** A masked text frame, as clients send them. */
function frameOf(text: string): Buffer {
  const data = Buffer.from(text);
  const mask = randomBytes(4);
  const head =
    data.length < 126 ? [0x81, 0x80 | data.length] : [0x81, 0xfe, data.length >> 8, data.length & 255];
  for (let index = 0; index < data.length; index += 1)
    data[index] = (data[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return Buffer.concat([Buffer.from(head), mask, data]);
}
