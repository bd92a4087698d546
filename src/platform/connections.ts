import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isTrustedPeer, networkOfAddress } from "./addresses.ts";
import { config } from "./config.ts";
import { bareAnswer } from "./security.ts";

/** How connections are held before anybody is known: how many there may be, and for how long one may be of no use. */

const GOODBYE_MS = 1000;
/** Above that many at once the others are cut without a word: to refuse must not be what costs. */
const TURNED_AWAY_MAX = 100;
const RETRY_AFTER_S = 30;

/** Puts the limits of connections in force on a server that does not listen yet. */
export function limitConnections(server: Server): void {
  server.setTimeout(config.connectionLimits.answerMs, cutStalled);
  limitPerAddress(server);
}

/**
 * Nothing went in or out for so long while a request or its answer was under way; WebSockets, and connections that
 * are kept for the next request, have times of their own. What is not read would stay in memory after a polite end.
 */
function cutStalled(socket: Socket): void {
  if (socket.writableLength > 0) socket.resetAndDestroy();
  else socket.destroy();
}

/**
 * Holds each network to so many open connections to this process, whatever they are for: slow requests cost the
 * visitor nothing. Proxies of ours are not counted, they bring everybody.
 */
function limitPerAddress(server: Server): void {
  const { perAddress } = config.connectionLimits;
  if (perAddress === null) return;
  const full = bareAnswer(429, RETRY_AFTER_S);
  const open = new Map<string, number>();
  // Before HTTP is read: of a connection that is refused nothing gets to the app.
  const serve = server.listeners("connection");
  server.removeAllListeners("connection").on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const network = networkOfAddress(address);
    const count = (open.get(network) ?? 0) + 1;
    const isCounted = !isTrustedPeer(address);
    if (isCounted && count > perAddress) return refuse(socket, full);
    if (isCounted) {
      open.set(network, count);
      socket.once("close", () => leave(open, network));
    }
    for (const each of serve) each.call(server, socket);
  });
}

function leave(open: Map<string, number>, network: string): void {
  const left = (open.get(network) ?? 1) - 1;
  if (left === 0) open.delete(network);
  else open.set(network, left);
}

let refused = 0;

/** Tells whoever asks for something that there is no room, and lets go of them soon. */
function refuse(socket: Socket, answer: string): void {
  if (refused >= TURNED_AWAY_MAX) {
    socket.destroy();
    return;
  }
  refused += 1;
  socket.once("close", () => (refused -= 1));
  socket.once("data", () => socket.end(answer));
  letGo(socket);
}

/** Answers a connection that never gets to the app, and lets go of it soon, whatever the other end does. */
export function turnAway(socket: Duplex, answer: string): void {
  if (!socket.writable) return;
  socket.end(answer);
  letGo(socket);
}

function letGo(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
  // What still comes in is thrown away.
  socket
    .on("error", () => undefined)
    .once("close", () => clearTimeout(timer))
    .resume();
}
