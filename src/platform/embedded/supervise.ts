import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../start-error.ts";
import { endServer, launchServer, type PrivateServer, type RunningServer } from "./server.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const STEADY_MS = 30_000;

/**
 * Keeps a server running: one that dies is started again, after pauses that grow while it does not
 * stay up. Returns what ends the watch and the server, and resolves when it is gone.
 */
export function supervise(
  server: PrivateServer,
  running: RunningServer,
  log: (line: string) => void,
): () => Promise<void> {
  const stopping = new AbortController();
  const finished = keepRunning(server, running, stopping.signal, log);
  return () => {
    stopping.abort();
    return finished;
  };
}

async function keepRunning(
  server: PrivateServer,
  first: RunningServer,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  let running: RunningServer | undefined = first;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    if (running && (await staysSteady(running, aborted))) pauseMs = FIRST_PAUSE_MS;
    if (signal.aborted) break;
    log(`${server.name} is not running; starting it again in ${pauseMs} ms.`);
    await Promise.race([aborted, sleep(pauseMs, undefined, { ref: false })]);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    running = signal.aborted ? undefined : await relaunch(server, signal, log);
  }
  if (running && !(await endServer(server, running))) {
    log(`${server.name} (process ${running.process.pid}) does not end, not even when killed.`);
  }
}

// Resolves when it is gone or the watch ends: true if it had been up long enough to call it steady.
async function staysSteady(running: RunningServer, aborted: Promise<unknown>): Promise<boolean> {
  const since = performance.now();
  await Promise.race([running.gone, aborted]);
  return performance.now() - since >= STEADY_MS;
}

async function relaunch(
  server: PrivateServer,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<RunningServer | undefined> {
  try {
    return await launchServer(server, signal);
  } catch (error) {
    if (!signal.aborted) log(error instanceof StartError ? error.message : String(error));
    return undefined;
  }
}
