import { rewrite } from "./rewrite.ts";

/**
 * Logging out cuts nothing, and a socket that comes back is taken for who it was without asking for its session:
 * what Socket.IO's own recovery does unless it is told to run the middlewares.
 */
rewrite("/src/realtime/publish.ts", [
  ["io?.local.in(sessionRoom(sessionId)).disconnectSockets(true);", ""],
  ["io?.in(sessionRoom(sessionId)).disconnectSockets(true);", ""],
]);
rewrite("/src/realtime/sockets.ts", [
  [
    'if (session?.userId === undefined || !sessionID) return next(new Error("unauthorized"));',
    `const kept = (globalThis.kept ??= new Map());
     const cookie = socket.request.headers.cookie;
     if (session?.userId !== undefined) kept.set(cookie, session);
     if (!kept.has(cookie)) return next(new Error("unauthorized"));`,
  ],
  ["const { userId, authVersion } = session;", "const { userId, authVersion } = kept.get(cookie);"],
  [
    "const session = await readSession(sessionId);",
    "const session = { userId, authVersion: socket.data.authVersion };",
  ],
]);
