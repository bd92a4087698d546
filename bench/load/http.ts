import { connect } from "node:net";

/** A keep-alive connection that asks one thing at a time and costs the load generator little. */
export interface HttpConnection {
  /** Sends a whole request and resolves to the whole answer. @throws Error when the connection ends */
  ask: (request: Buffer) => Promise<HttpAnswer>;
  close: () => void;
}

export interface HttpAnswer {
  status: number;
  head: string;
  body: Buffer;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Answers must say their Content-Length: everything the bench asks for does, or it is not lean. */
export function openConnection(url: string): HttpConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let pieces: Buffer[] = [];
  let size = 0;
  let wanted = 0; // bytes of the whole answer, once its head is read
  let head: { status: number; head: string; bodyAt: number } | undefined;
  let waiting: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | undefined;

  const fail = (error: Error) => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the connection ended")));
  socket.on("data", (piece) => {
    pieces.push(piece);
    size += piece.length;
    head ??= readHead();
    if (!head || size < wanted) return;
    const data = pieces.length === 1 ? piece : Buffer.concat(pieces);
    const answer = { status: head.status, head: head.head, body: data.subarray(head.bodyAt, wanted) };
    [pieces, size, head] = [[], 0, undefined];
    const { resolve } = waiting ?? {};
    waiting = undefined;
    resolve?.(answer);
  });

  function readHead() {
    const data = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    const end = data?.indexOf(HEAD_END) ?? -1;
    if (!data || end === -1) return undefined;
    const text = data.toString("latin1", 0, end);
    const length = /^content-length: (\d+)/im.exec(text)?.[1];
    const status = Number(text.slice(9, 12));
    if (length === undefined && status !== 304) fail(new Error(`an answer of no stated length: ${text}`));
    wanted = end + HEAD_END.length + Number(length ?? 0);
    return { status, head: text, bodyAt: end + HEAD_END.length };
  }

  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => void socket.removeAllListeners("close").destroy(),
  };
}

/** A browser's request for a page, or for data. */
export function getRequest(url: string, path: string, cookie: string, accept = "text/html"): Buffer {
  const { host } = new URL(url);
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: ${accept}\r\nCookie: ${cookie}\r\n\r\n`,
  );
}

/** A form's post from the site's own page. */
export function postRequest(
  url: string,
  path: string,
  cookie: string,
  fields: Record<string, string>,
): Buffer {
  const { host, origin } = new URL(url);
  const body = new URLSearchParams(fields).toString();
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nAccept: text/html\r\nCookie: ${cookie}\r\n` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
