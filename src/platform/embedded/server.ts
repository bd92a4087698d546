import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../start-error.ts";
import { makePrivateFolder } from "./folders.ts";
import {
  endProcess,
  findProcess,
  isRunning,
  type Process,
  wake,
  watchUntilGone,
  worksIn,
} from "./processes.ts";
import { plainEnvironment } from "./programs.ts";

/** How one of the private servers is run. */
export interface PrivateServer {
  name: string;
  program: string;
  args: string[];
  /** The folder it runs in. */
  folder: string;
  socket: string;
  pidFile: string;
  logFile: string;
  /** How long its orderly end may take, in milliseconds. */
  endTimeoutMs: number;
  /** Looks once whether it serves; takes a second at most and less when `signal` aborts. */
  isReady(socket: string, signal: AbortSignal): Promise<boolean>;
}

export interface RunningServer {
  process: Process;
  gone: Promise<unknown>;
}

const START_TIMEOUT_MS = 60_000;
const LOOK_AGAIN_MS = 20;
// One that does not serve yet has nothing to save that its next start would not recover, and
// mariadbd may never obey a SIGTERM that comes that early.
const UNREADY_END_TIMEOUT_MS = 1_000;

/** Uses the server that an earlier Causerie left running, or starts one; serving when it resolves. */
export async function startServer(
  server: PrivateServer,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<RunningServer> {
  return (await adoptServer(server, signal, log)) ?? (await launchServer(server, signal));
}

/**
 * Starts a server and resolves when it serves. Throws StartError when it does not within a minute
 * or when `signal` aborts; then nothing of it is left running.
 */
export async function launchServer(server: PrivateServer, signal: AbortSignal): Promise<RunningServer> {
  makePrivateFolder(dirname(server.socket));
  const child = spawnServer(server);
  const gone = once(child, "exit").catch(() => undefined);
  const process = child.pid === undefined ? undefined : findProcess(child.pid);
  if (process && (await servesInTime(server, process, signal))) return { process, gone };
  if (process) await endProcess(process, UNREADY_END_TIMEOUT_MS);
  throw new StartError(`${server.name} did not start. Its log says why: ${server.logFile}`);
}

/** Ends a server in order and returns whether it is gone. */
export function endServer(server: PrivateServer, running: RunningServer): Promise<boolean> {
  return endProcess(running.process, server.endTimeoutMs);
}

/** Ends the server that an earlier Causerie left running, if there is one. */
export async function endLeftover(
  server: Pick<PrivateServer, "socket" | "pidFile" | "endTimeoutMs">,
): Promise<void> {
  const process = findLeftover(server)?.process;
  if (process) await endProcess(process, server.endTimeoutMs);
}

async function adoptServer(
  server: PrivateServer,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<RunningServer | undefined> {
  const leftover = findLeftover(server);
  if (!leftover) return undefined;
  const { process, socket } = leftover;
  wake(process);
  // It may be about to end, or recovering after a crash: as long as it lives it has the start's time.
  if (socket === server.socket && (await servesInTime(server, process, signal))) {
    log(`${server.name} is still running from last time (process ${process.pid}); it goes on.`);
    return { process, gone: watchUntilGone(process) };
  }
  await endProcess(process, server.endTimeoutMs);
  return undefined;
}

// The shell notes its own number before it becomes the server, so there is no moment in which the
// app can be killed and leave a server that nobody finds. Detached, because Ctrl-C goes to the whole
// group of a terminal and would end the database before the app.
function spawnServer(server: PrivateServer): ChildProcess {
  rmSync(server.pidFile, { force: true });
  const script = 'umask 077; printf "%s\\n%s\\n" "$$" "$1" > "$0" && shift && exec "$@"';
  const logFile = openSync(server.logFile, "a", 0o600);
  try {
    const child = spawn(
      "/bin/sh",
      ["-c", script, server.pidFile, server.socket, server.program, ...server.args],
      {
        cwd: server.folder,
        env: plainEnvironment(),
        detached: true,
        stdio: ["ignore", logFile, logFile],
      },
    );
    child.unref();
    return child;
  } finally {
    closeSync(logFile);
  }
}

async function servesInTime(server: PrivateServer, process: Process, signal: AbortSignal): Promise<boolean> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  while (!deadline.aborted && isRunning(process)) {
    if (await server.isReady(server.socket, deadline)) return true;
    await sleep(LOOK_AGAIN_MS);
  }
  return false;
}

// A number alone may by now belong to anybody. Both servers work in folders of the data folder, which is theirs
// alone; their command lines tell less, as Redis cuts its own short.
function findLeftover(
  server: Pick<PrivateServer, "pidFile">,
): { process: Process; socket: string } | undefined {
  const [pid, socket] = readLines(server.pidFile);
  const process = findProcess(Number(pid));
  if (!process || !socket) return undefined;
  const dataFolder = dirname(dirname(server.pidFile));
  return worksIn(process.pid, dataFolder) ? { process, socket } : undefined;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
