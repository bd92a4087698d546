import { connect } from "node:net";

// Long enough for a loaded machine, short enough to look again after a connection that was lost.
const LOOK_TIMEOUT_MS = 1_000;

/**
 * The first bytes a server on a Unix socket says, after `question` if there is one.
 * Undefined when it says nothing within a second, refuses the connection, or `signal` aborts.
 */
export function firstWords(
  socketPath: string,
  signal: AbortSignal,
  question?: string,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath, signal });
    const finish = (words?: Buffer) => {
      resolve(words);
      socket.destroy();
    };
    socket.setTimeout(LOOK_TIMEOUT_MS, finish);
    socket.once("connect", () => question !== undefined && socket.write(question));
    socket.once("data", finish);
    socket.once("error", () => finish());
    socket.once("close", () => finish());
  });
}
