import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

/** Commands as an operator types them. */

const ROOT = new URL("../../", import.meta.url);
const TIMEOUT_MS = 60_000;

export interface Ended {
  status: number | null;
  lines: string[];
}

/** Starts one of our commands, by its path from the root, with nothing but this environment. */
export function startCommand(
  file: string,
  args: string[],
  environment: Record<string, string>,
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, ROOT)), ...args], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  after(() => void child.kill("SIGKILL"));
  return { child, ended: endOf(child) };
}

/** Runs one of our commands to its end. */
export function runCommand(
  file: string,
  args: string[],
  environment: Record<string, string>,
): Promise<Ended> {
  return startCommand(file, args, environment).ended;
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (printed += String(data)));
  const [status] = await once(child, "close");
  clearTimeout(timer);
  return { status, lines: printed.split("\n").filter(Boolean) };
}
