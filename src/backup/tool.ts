import { parseArgs } from "node:util";
import dotenv from "dotenv";
import { StartError } from "../platform/start-error.ts";

/** What a command was given: at most one folder, and a switch. */
export interface Given {
  folder: string | undefined;
  replace: boolean;
}

/** Reads a command's arguments. @throws StartError with how it is called */
export function readArguments(usage: string): Given {
  try {
    const options = { replace: { type: "boolean", default: false } } as const;
    const { positionals, values } = parseArgs({ options, allowPositionals: true });
    if (positionals.length <= 1) return { folder: positionals[0], replace: values.replace };
  } catch {
    // An option that does not exist is answered as a folder too many is.
  }
  throw new StartError(`Usage: ${usage}`);
}

/**
 * Runs a command-line tool's main function: a reason the operator can mend is one line, and the status tells.
 * Ctrl-C and SIGTERM abort the signal that `main` is given, so that what it began is put in order first.
 */
export async function runTool(main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new StartError("Stopped before it was done."));
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  dotenv.config({ quiet: true });
  let status = 0;
  try {
    await main(interrupted.signal);
  } catch (error) {
    console.error(lineOf(interrupted.signal.aborted ? interrupted.signal.reason : error));
    status = 1;
  }
  // What still tries to reach a store in the background must not keep the command from ending.
  process.exit(status);
}

/** What files and connections refuse is the operator's business too; the rest is a fault of ours. */
function lineOf(error: unknown): unknown {
  if (error instanceof StartError) return error.message;
  if (!(error instanceof Error)) return error;
  return "syscall" in error || "sqlMessage" in error ? error.message.trim().replaceAll(/\s+/g, " ") : error;
}
