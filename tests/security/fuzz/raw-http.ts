import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection that writes requests as they are, many ahead of their answers. */

export interface RawAnswer {
  status: number;
  body: string;
}

/**
 * Writes bytes that hold `count` requests and resolves with as many answers, or with fewer when the server closed the
 * connection after a request that was none.
 */
export async function exchange(url: string, bytes: Buffer, count: number, ms = 10_000): Promise<RawAnswer[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true).setTimeout(ms, () => socket.destroy());
  const answers: RawAnswer[] = [];
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (data) => {
    rest = Buffer.concat([rest, data]);
    for (let read = readAnswer(rest); read; read = readAnswer(rest)) {
      answers.push(read.answer);
      rest = rest.subarray(read.end);
    }
    if (answers.length >= count) socket.destroy();
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await ended(socket);
  return answers;
}

async function ended(socket: Socket): Promise<void> {
  // A server that ends its half is done; so are we.
  socket.once("end", () => socket.destroy());
  if (!socket.destroyed) await once(socket, "close");
}

/** The first whole answer in what came so far, and where it ends; null while it is not whole. */
function readAnswer(data: Buffer): { answer: RawAnswer; end: number } | null {
  const headEnd = data.indexOf("\r\n\r\n");
  if (headEnd === -1) return null;
  const head = data.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const start = headEnd + 4;
  if (status === 204 || status === 304) return { answer: { status, body: "" }, end: start };
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) return wholeAnswer(data, status, start, start + Number(length));
  if (!/^transfer-encoding: chunked/im.test(head)) return wholeAnswer(data, status, start, start);
  const end = endOfChunks(data, start);
  return end === null ? null : wholeAnswer(data, status, start, end);
}

function endOfChunks(data: Buffer, start: number): number | null {
  for (let at = start; ; ) {
    const lineEnd = data.indexOf("\r\n", at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(data.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (at > data.length) return null;
    if (size === 0) return at;
  }
}

function wholeAnswer(data: Buffer, status: number, start: number, end: number) {
  if (data.length < end) return null;
  return { answer: { status, body: data.toString("latin1", start, Math.min(end, start + 2000)) }, end };
}
