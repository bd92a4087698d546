import { rewrite } from "./rewrite.ts";

/**
 * Logging out cuts nothing, and a socket that comes back is taken for who it was without asking for its session:
 * what Socket.IO's own recovery does unless it is told to run the middlewares.
 */
rewrite("/src/realtime/publish.ts", [
  ["io?.local.in(rooms).disconnectSockets(true);", ""],
  ["io?.in(rooms).disconnectSockets(true);", ""],
]);
rewrite("/src/realtime/expiry.ts", [["if (life < 0) socket.disconnect(true);", ""]]);
rewrite("/src/realtime/sockets.ts", [
  [
    "if (session?.userId === undefined || !sessionID) {",
    `const kept = (globalThis.kept ??= new Map());
     const cookie = socket.request.headers.cookie;
     if (session?.userId !== undefined) kept.set(cookie, session);
     if (!kept.has(cookie)) {`,
  ],
  [
    "const { userId, authVersion, createdAt } = session;",
    "const { userId, authVersion, createdAt } = kept.get(cookie);",
  ],
  [
    "const session = await sessionOf(sessionId);",
    "const session = { userId, authVersion: socket.data.authVersion };",
  ],
]);
