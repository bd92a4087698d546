import type { IncomingMessage } from "node:http";
import { addressOf, networkOf } from "../platform/addresses.ts";
import { config } from "../platform/config.ts";
import { auditDenial } from "../platform/denials.ts";
import { refusalOf } from "../platform/error-pages.ts";
import { isOwnOrigin } from "../platform/security.ts";
import { claim, release } from "./socket-counts.ts";
import type { ChatSocket } from "./sockets.ts";

/** Who may open a socket at all: from this site's own pages, and not too many. */

const RETRY_AFTER_S = 5;

type Decide = (reason: string | null, isWelcome: boolean) => void;

/** Before the handshake. CORS settings do not guard those of WebSockets, this does. */
export function guardHandshake(request: IncomingMessage, decide: Decide): void {
  if (isOwnOrigin(request)) guardPlace(request, decide);
  else {
    auditRefused(request, "origin");
    decide(null, false);
  }
}

/** Writes down that somebody got no socket. */
export function auditRefused(request: IncomingMessage, reason: string, userId?: number): void {
  const { origin } = request.headers;
  auditDenial("socket_denied", { userId, address: addressOf(request), origin, reason });
}

function guardPlace(request: IncomingMessage, decide: Decide): void {
  const place = `address:${networkOf(request)}`;
  claim(place, config.socketLimits.perAddress).then(
    () => {
      if (config.socketLimits.perAddress !== null) releaseAtEnd(request, place);
      decide(null, true);
    },
    (error) => {
      auditRefused(request, refusalOf(error)?.code ?? "unavailable");
      turnAway(request, error);
      decide(null, false);
    },
  );
}

/** Once it is known whose socket it is. */
export function guardPerson(socket: ChatSocket, next: (error?: Error) => void): void {
  const place = `user:${socket.data.userId}`;
  claim(place, config.socketLimits.perUser).then(
    () => {
      if (config.socketLimits.perUser !== null) releaseAtEnd(socket.conn.request, place);
      next();
    },
    (error) => {
      const refusal = refusalOf(error);
      const code = refusal?.code ?? "unavailable";
      auditRefused(socket.request, code, socket.data.userId);
      next(Object.assign(new Error(code), { data: { retryAfterS: refusal?.retryAfterS ?? RETRY_AFTER_S } }));
    },
  );
}

function releaseAtEnd({ socket }: IncomingMessage, place: string): void {
  if (socket.destroyed) release(place);
  else socket.once("close", () => release(place));
}

/** Engine.IO would answer any refusal as 400. */
function turnAway({ socket }: IncomingMessage, error: unknown): void {
  const refusal = refusalOf(error);
  const status = refusal?.code === "too_many" ? "429 Too Many Requests" : "503 Service Unavailable";
  const seconds = refusal?.retryAfterS ?? RETRY_AFTER_S;
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nRetry-After: ${seconds}\r\nContent-Length: 0\r\n\r\n`,
  );
}
