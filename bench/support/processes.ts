import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

const TICKS_A_SECOND = 100; // Linux tells CPU times in hundredths of a second, whatever the kernel counts in
const PAGE_BYTES = 4096;
const STOP_MS = 20_000;

/** CPU seconds a process has used so far, with all its threads. */
export function cpuOf(pid: number): number {
  // The name, in parentheses, may hold spaces; times are the 14th and 15th field.
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Bytes of memory that a process holds now. */
export function memoryOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
}

/** A process and those it started. */
export function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

/** A server of ours that tells its address when it serves. */
export interface Server {
  pid: number;
  url: string;
  stop: () => Promise<void>;
}

/**
 * Starts a script that sends `{ address }` to its parent. What it prints goes to `output`, a file descriptor, as an
 * operator's log would.
 *
 * @throws Error when it ends instead
 */
export async function startServer(
  script: string,
  environment: Record<string, string>,
  output: number,
): Promise<Server> {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", output, output, "ipc"],
  });
  const address = await Promise.race([addressOf(child), ended(child, script)]);
  return {
    pid: child.pid ?? 0,
    url: address.replace("localhost", "127.0.0.1"),
    stop: () => stopProcess(child),
  };
}

async function addressOf(child: ChildProcess): Promise<string> {
  const [report]: [{ address?: string }] = (await once(child, "message")) as never;
  return report.address ?? "";
}

async function ended(child: ChildProcess, script: string): Promise<never> {
  const [code] = await once(child, "exit");
  throw new Error(`${script} ended with ${code}; its output says why`);
}

/** Asks a process to stop, and ends it when it does not. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(timer);
}
