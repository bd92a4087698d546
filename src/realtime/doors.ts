import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { addressOf, networkOf } from "../platform/addresses.ts";
import { config } from "../platform/config.ts";
import { turnAway } from "../platform/connections.ts";
import { auditDenial } from "../platform/denials.ts";
import { refusalOf } from "../platform/error-pages.ts";
import { unavailable } from "../platform/errors.ts";
import { refusalText } from "../platform/i18n.ts";
import { bareAnswer, headerSetter, isOwnOrigin } from "../platform/security.ts";
import { claim, release } from "./socket-counts.ts";
import type { ChatSocket } from "./sockets.ts";

/** Who may open a socket at all: from this site's own pages, and not too many. */

const RETRY_AFTER_S = 5;

type Decide = (reason: string | null, isWelcome: boolean) => void;

/** Before the handshake. CORS settings do not guard those of WebSockets, this does. */
export function guardHandshake(request: IncomingMessage, decide: Decide): void {
  if (!isOwnOrigin(request)) {
    auditRefused(request, "origin");
    refuse(request, 403);
    decide(null, false);
  } else if (!isWebSocket(request)) {
    refuse(request, 400);
    decide(null, false);
  } else guardPlace(request, decide);
}

/** As ws demands it, which would refuse without any of our headers. */
function isWebSocket({ headers }: IncomingMessage): boolean {
  const { upgrade, "sec-websocket-key": key, "sec-websocket-version": version } = headers;
  const isUpgrade = upgrade?.toLowerCase() === "websocket" && headers["sec-websocket-protocol"] === undefined;
  return isUpgrade && /^[+/\dA-Za-z]{22}==$/.test(key ?? "") && (version === "13" || version === "8");
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
      const refusal = refusalOf(error);
      auditRefused(request, refusal?.code ?? "unavailable");
      refuse(request, refusal?.status ?? 503, refusal?.retryAfterS ?? RETRY_AFTER_S);
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
      const retryAfterS = refusal?.retryAfterS ?? RETRY_AFTER_S;
      const message = refusalText(socket.data.locale, refusal ?? unavailable());
      next(Object.assign(new Error(code), { data: { retryAfterS, message } }));
    },
  );
}

function releaseAtEnd({ socket }: IncomingMessage, place: string): void {
  if (socket.destroyed) release(place);
  else socket.once("close", () => release(place));
}

/** What a handshake gets that Engine.IO refuses by itself, which it tells just before. */
export function answerRefused({ req, context }: { req: Refused; context?: { name?: string } }): void {
  // One that is no upgrade is answered as any request.
  if (req.res) return;
  const isStoreAway = context?.name === "MIDDLEWARE_FAILURE";
  refuse(req, isStoreAway ? 503 : 400, isStoreAway ? RETRY_AFTER_S : undefined);
}

type Refused = IncomingMessage & { res?: ServerResponse };

/** Engine.IO would answer 400 to all, without our headers; what is answered it only closes. */
function refuse({ socket }: IncomingMessage, status: number, retryAfterS?: number): void {
  turnAway(socket, bareAnswer(status, retryAfterS));
}

/** Answers outside the app have the headers of all others: refused handshakes, and upgrades that lead nowhere. */
export function guardHandshakes(server: Server, path: string): void {
  const setHeaders = headerSetter();
  const isOurs = ({ url }: IncomingMessage) => url?.startsWith(`${path}/`);
  server.prependListener("request", (request, response) => {
    if (isOurs(request)) setHeaders(response);
  });
  server.prependListener("upgrade", (request, socket) => {
    if (!isOurs(request)) turnAway(socket, bareAnswer(404));
  });
}
