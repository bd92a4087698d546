import { existsSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that cannot be mistaken for a later one with the same number. */
export interface Process {
  pid: number;
  /** Boot and start time in ticks where /proc tells them, else empty. */
  startedAt: string;
}

const HAS_PROC = existsSync("/proc/self/stat");
const POLL_MS = 20;
const WATCH_MS = 250;
const KILL_TIMEOUT_MS = 5_000;

/** The running process with this number, or undefined when there is none. */
export function findProcess(pid: number): Process | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const startedAt = HAS_PROC ? readStartTime(pid) : "";
  return startedAt !== undefined && send(pid, 0) ? { pid, startedAt } : undefined;
}

/** Whether exactly this process still runs; a zombie and a successor with its number do not count. */
export function isRunning(process: Process): boolean {
  return findProcess(process.pid)?.startedAt === process.startedAt;
}

/** Whether a process works in this folder or below it; true where /proc is missing and nobody can tell. */
export function worksIn(pid: number, folder: string): boolean {
  if (!HAS_PROC) return true;
  try {
    const place = readlinkSync(`/proc/${pid}/cwd`);
    const root = realpathSync(folder);
    return place === root || place.startsWith(`${root}/`);
  } catch {
    return false;
  }
}

/** Resolves when the process has ended. Watching does not keep this program alive. */
export async function watchUntilGone(process: Process): Promise<void> {
  while (isRunning(process)) await sleep(WATCH_MS, undefined, { ref: false });
}

/** Wakes a process that may be frozen, so that it hears what follows. */
export function wake(process: Process): void {
  if (isRunning(process)) send(process.pid, "SIGCONT");
}

/**
 * Ends a process: SIGTERM, after `graceMs` milliseconds SIGKILL.
 * Returns whether it is gone.
 */
export async function endProcess(process: Process, graceMs: number): Promise<boolean> {
  wake(process);
  if (isRunning(process)) send(process.pid, "SIGTERM");
  if (await isGoneWithin(process, graceMs)) return true;
  if (isRunning(process)) send(process.pid, "SIGKILL");
  return isGoneWithin(process, KILL_TIMEOUT_MS);
}

async function isGoneWithin(process: Process, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isRunning(process)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

// The command's name stands in parentheses and may hold anything, so fields count from the last one:
// the first is the state, the twentieth the start time in ticks since boot. Ticks alone could repeat
// after a reboot, when the same numbers are given out again.
function readStartTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isDead = fields === undefined || fields[0] === "Z" || fields[0] === "X";
  return isDead ? undefined : `${readBootId()}.${fields[19]}`;
}

function readBootId(): string {
  return readText("/proc/sys/kernel/random/boot_id")?.slice(0, 8) ?? "";
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    // A process that we may not signal exists all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
