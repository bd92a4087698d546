import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface CommandResult {
  succeeded: boolean;
  /** What it wrote, for whoever wants to know why it failed. */
  output: string;
}

/**
 * Runs a command to its end with its output hidden. It and everything it started are ended with
 * `killSignal` when `timeoutMs` milliseconds have passed or `signal` aborts.
 */
export async function runCommand(
  program: string,
  args: string[],
  options: {
    env: NodeJS.ProcessEnv;
    cwd?: string;
    timeoutMs: number;
    killSignal: NodeJS.Signals;
    signal?: AbortSignal;
  },
): Promise<CommandResult> {
  // A process group of its own, so that one signal reaches the whole of it.
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const endGroup = () => killGroup(child.pid, options.killSignal);
  const timer = setTimeout(endGroup, options.timeoutMs);
  options.signal?.addEventListener("abort", endGroup);
  try {
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { succeeded: child.exitCode === 0, output: `${out}${err}`.trim() };
  } catch (error) {
    return { succeeded: false, output: String(error) };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", endGroup);
  }
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended in the same moment.
  }
}
