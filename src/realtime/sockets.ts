import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import type { SessionData } from "express-session";
import { Server, type Socket } from "socket.io";
import { batched } from "../platform/batched.ts";
import { log } from "../platform/log.ts";
import { openSockets as openGauge } from "../platform/metrics.ts";
import type { Redis } from "../platform/redis.ts";
import { readAll } from "../platform/session-store.ts";
import { findAuthVersions, findViewers } from "../users/users.queries.ts";
import { arrived, left } from "./attendance.ts";
import type { Bus } from "./bus.ts";
import { answerRefused, auditRefused, guardHandshake, guardHandshakes, guardPerson } from "./doors.ts";
import type { ClientEvents, ServerEvents } from "./events.ts";
import { limitFloods } from "./floods.ts";
import { listen } from "./handlers.ts";
import { translatorOf } from "./language.ts";
import { checkedRoom, publishTo, type SocketData, type Sockets, sessionRoom, userRoom } from "./publish.ts";
import { writeTogether } from "./write-together.ts";

export type ChatSocket = Socket<ClientEvents, ServerEvents, Record<string, never>, SocketData>;

/** What express-session adds to a request. */
interface Handshake extends IncomingMessage {
  session?: SessionData;
  sessionID?: string;
  sessionStore?: unknown;
}

const PING_MS = 10_000; // a machine that died is noticed within 20 s
const FRAME_BYTES_MAX = 65_536;
const PAGE_ID_MAX = 36;
const RECHECK_MS = 30_000;

/** Opens `/socket.io` for people who are signed in. WebSocket only: then no proxy needs sticky sessions. */
export function openSockets(server: HttpServer, sessions: RequestHandler, adapter?: Bus["adapter"]): Sockets {
  const io: Sockets = new Server(server, {
    ...{ path: "/socket.io", serveClient: false, transports: ["websocket"], perMessageDeflate: false },
    ...{ pingInterval: PING_MS, pingTimeout: PING_MS, maxHttpBufferSize: FRAME_BYTES_MAX },
    ...(adapter ? { adapter } : {}),
    allowRequest: guardHandshake,
  });
  io.engine.use(
    (request: IncomingMessage & { _query?: { sid?: string } }, response: never, next: () => void) => {
      if (request._query?.sid === undefined) sessions(request as never, response, next);
      else next();
    },
  );
  io.engine.on("connection_error", answerRefused);
  io.use((socket, next) => {
    const request: Handshake = socket.request;
    const { session, sessionID } = request;
    // It has done its work, and holds on to a dozen functions and an answer that nobody waits for.
    delete request.session;
    delete request.sessionStore;
    if (session?.userId === undefined || !sessionID) {
      auditRefused(socket.request, "session");
      return next(new Error("unauthorized"));
    }
    const { userId, authVersion, createdAt } = session;
    socket.data = {
      userId,
      authVersion,
      createdAt,
      sessionId: sessionID,
      locale: translatorOf(socket.request),
    };
    next();
  });
  io.use(guardPerson);
  limitFloods(io);
  writeTogether(io);
  io.on("connection", (socket) => {
    openGauge.inc();
    const accepted = accept(socket);
    listen(socket, accepted);
    socket.on("disconnect", () => {
      openGauge.dec();
      accepted.then((isIn) => isIn && left(socket.data.userId, socket.id));
    });
  });
  guardHandshakes(server, io.path());
  publishTo(io);
  return io;
}

/** After a restart everybody comes at once. */
const sessionOf = batched(async (sids: string[]) => {
  const found = await readAll(sids);
  return new Map(sids.map((sid, index) => [sid, found[index] ?? null]));
});
const viewerOf = batched(findViewers);

/**
 * Joins the rooms of its session and its person first and only then looks whether that session still stands: a
 * logout or a changed password in between either finds the socket in the room or is found by the look.
 */
async function accept(socket: ChatSocket): Promise<boolean> {
  const { userId, sessionId } = socket.data;
  await socket.join([sessionRoom(sessionId), checkedRoom(userId)]);
  try {
    const session = await sessionOf(sessionId);
    const viewer = session && (await viewerOf(userId));
    const isValid = viewer && session.userId === userId && session.authVersion === viewer.authVersion;
    if (isValid && viewer.locale !== null) socket.data.locale = viewer.locale;
    if (!isValid) {
      auditRefused(socket.request, "session", userId);
      socket.disconnect(true);
    }
    if (!isValid || !socket.connected) return false;
    await socket.join(userRoom(userId));
    // Each room costs each person its memory.
    await socket.leave(checkedRoom(userId));
    arrived(userId, socket.id, pageIdOf(socket));
    return true;
  } catch (error) {
    log.warn({ reason: String(error) }, "a socket could not be checked");
    socket.disconnect(true);
    return false;
  }
}

/** The page that opened this socket, as it says; scripts of one's own need not. */
function pageIdOf(socket: ChatSocket): string | null {
  const pageId: unknown = socket.handshake.auth.pageId;
  return typeof pageId === "string" && pageId.length <= PAGE_ID_MAX ? pageId : null;
}

/**
 * Looks every 30 s whether each open socket's session still stands, and as soon as Redis or the bus is back after
 * it was away: a cut may have been missed. Stops with the returned function.
 */
export function recheckSockets(io: Sockets, redis: Redis, bus: Bus | null): () => void {
  const look = () => void recheck(io);
  const timer = setInterval(look, RECHECK_MS);
  redis.on("ready", look);
  bus?.onReturn(look);
  return () => {
    clearInterval(timer);
    redis.off("ready", look);
  };
}

/** Cuts every local socket whose session is gone or was ended, as far as each store says so by itself. */
async function recheck(io: Sockets): Promise<void> {
  const sockets = [...io.of("/").sockets.values()];
  const sessionIds = [...new Set(sockets.map(({ data }) => data.sessionId))];
  const [sessions, versions] = await Promise.allSettled([
    readAll(sessionIds),
    findAuthVersions([...new Set(sockets.map(({ data }) => data.userId))]),
  ]);
  const standing = known(sessions, (found) => new Map(sessionIds.map((id, index) => [id, found[index]])));
  const current = known(versions, (found) => found);
  for (const socket of sockets) {
    const { userId, sessionId, authVersion } = socket.data;
    const isGone = standing !== null && standing.get(sessionId)?.userId !== userId;
    const isEnded = current !== null && current.get(userId) !== authVersion;
    if (isGone || isEnded) socket.disconnect(true);
  }
}

/** What a store answered; null where it did not. */
function known<T, U>(answer: PromiseSettledResult<T>, read: (value: T) => U): U | null {
  if (answer.status === "fulfilled") return read(answer.value);
  log.warn({ reason: String(answer.reason) }, "sockets could not be checked");
  return null;
}
