import { rewrite } from "./rewrite.ts";

/** Logging out cuts nothing, and a socket that comes back is not asked for its session. */
rewrite("/src/realtime/publish.ts", [
  ["io?.local.in(sessionRoom(sessionId)).disconnectSockets(true);", ""],
  ["io?.in(sessionRoom(sessionId)).disconnectSockets(true);", ""],
]);
