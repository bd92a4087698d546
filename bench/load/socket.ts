import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { frameOf, frameReader } from "./frames.ts";

/** A Socket.IO client that costs the load generator as little as it can: one namespace, text, WebSocket only. */
export interface LoadSocket {
  /** Asks an event with an acknowledgement. */
  ask: (event: string, value: object, done: (answer: Answer) => void) => void;
  /** Resolves once the server has closed it as well. */
  close: () => Promise<void>;
}

export interface Answer {
  ok?: boolean;
  error?: unknown;
  message?: Delivered;
}

/** What of a message every server of the bench delivers. */
export interface Delivered {
  id: number;
  /** Missing where nothing is numbered. */
  seq?: number;
  conversationId?: number;
  clientId: string;
  senderId: number;
  receiverId: number;
  message: string;
}

export interface SocketOptions {
  url: string;
  cookie: string;
  auth: object;
  /** Everything that is not an acknowledgement. */
  onEvent: (event: string, value: never) => void;
  /** Called once when the connection ends without being asked to. */
  onEnd: (reason: string) => void;
}

const CONNECT_MS = 120_000;

/** Connects; resolves once the server has taken the socket in. @throws Error when it refuses */
export function openSocket(options: SocketOptions): Promise<LoadSocket> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host, origin } = new URL(options.url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const timer = setTimeout(() => fail("not within the time"), CONNECT_MS);
    let isOpen = false;
    const fail = (reason: string) => {
      clearTimeout(timer);
      socket.destroy();
      if (isOpen) options.onEnd(reason);
      else reject(new Error(`a socket was refused: ${reason}`));
      isOpen = false;
    };
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("closed"));
    socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n` +
        `Origin: ${origin}\r\nCookie: ${options.cookie}\r\n\r\n`,
    );
    const session = talk(
      socket,
      options,
      () => {
        clearTimeout(timer);
        isOpen = true;
        resolve({
          ask: session.ask,
          close: () => {
            isOpen = false;
            const closed = once(socket.removeAllListeners("close"), "close");
            // What still comes, pings for one, is read and not answered.
            socket.removeAllListeners("data").resume().end();
            return closed.then(() => undefined);
          },
        });
      },
      fail,
    );
    upgrade(socket, session.read, fail);
  });
}

/** Reads the answer to the handshake, then hands every byte on. */
function upgrade(socket: Socket, read: (piece: Buffer) => void, fail: (reason: string) => void): void {
  let head = "";
  socket.on("data", function first(piece) {
    head += piece.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return;
    socket.off("data", first);
    if (!head.startsWith("HTTP/1.1 101")) return fail(head.slice(0, 60));
    socket.on("data", read);
    if (head.length > end + 4) read(Buffer.from(head.slice(end + 4), "latin1"));
  });
}

/** Engine.IO and Socket.IO, as far as a client needs them. */
function talk(
  socket: Socket,
  { auth, onEvent }: SocketOptions,
  opened: () => void,
  fail: (reason: string) => void,
) {
  const asked = new Map<number, (answer: Answer) => void>();
  let next = 0;
  const read = frameReader((text) => {
    if (text.startsWith("43")) return acknowledged(text);
    if (text.startsWith("42")) {
      const [event, value]: [string, never] = JSON.parse(text.slice(2));
      return onEvent(event, value);
    }
    if (text === "2") return void socket.write(frameOf("3"));
    if (text.startsWith("0")) return void socket.write(frameOf(`40${JSON.stringify(auth)}`));
    if (text.startsWith("40")) return opened();
    return fail(text.slice(0, 80));
  });
  const acknowledged = (text: string) => {
    const start = text.indexOf("[");
    const id = Number(text.slice(2, start));
    const done = asked.get(id);
    asked.delete(id);
    done?.(JSON.parse(text.slice(start))[0]);
  };
  const ask: LoadSocket["ask"] = (event, value, done) => {
    asked.set(next, done);
    socket.write(frameOf(`42${next}["${event}",${JSON.stringify(value)}]`));
    next += 1;
  };
  return { read, ask };
}
