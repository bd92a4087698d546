import { readFile } from "node:fs/promises";
import type { Causerie } from "../../support/causerie.ts";

/** How a run went, and its table. */

export type Kind = "requests" | "raw requests" | "events" | "raw frames";

export class Tally {
  readonly inputs = new Map<Kind, number>();
  /** What was answered, by kind: a status, an acknowledgement's code, or what became of the socket. */
  readonly answers = new Map<string, number>();
  /** Answers that must not be, with the input, the first few of them. */
  readonly faults: string[] = [];

  count(kind: Kind, answer: string): void {
    this.inputs.set(kind, (this.inputs.get(kind) ?? 0) + 1);
    const key = `${kind}: ${answer}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
  }

  fault(what: string, input: string): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(`${what}: ${input.slice(0, INPUT_MAX)}`);
  }

  get total(): number {
    return [...this.inputs.values()].reduce((sum, count) => sum + count, 0);
  }
}

const FAULTS_MAX = 20;
const INPUT_MAX = 600;

/** Resident memory of the node, in megabytes. */
export async function memoryOf({ process: { pid } }: Causerie): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

export interface Outcome {
  seed: number;
  seconds: number;
  tally: Tally;
  crashed: boolean;
  memory: { before: number; warm: number; after: number };
}

/** The table for a terminal and for docs/security.md. */
export function tableOf({ seed, seconds, tally, crashed, memory }: Outcome, command: string): string {
  const rows = [...tally.inputs].map(
    ([kind, count]) => `| ${kind} | ${number(count)} | ${answersOf(tally, kind)} |`,
  );
  const errors = [...tally.answers]
    .filter(([key]) => key.endsWith(": 500"))
    .reduce((sum, [, n]) => sum + n, 0);
  return [
    `${new Date().toISOString().slice(0, 16)}Z, seed ${seed}, ${Math.round(seconds)} s, \`${command}\``,
    "",
    "| kind | inputs | answers |",
    "|---|---|---|",
    ...rows,
    `| **all** | **${number(tally.total)}** | crashes ${crashed ? 1 : 0}, answers 500 ${errors}, other faults ${tally.faults.length} |`,
    "",
    `Memory of the node: ${memory.before} MB at the start, ${memory.warm} MB after the first fifth, ${memory.after} MB at the end.`,
  ].join("\n");
}

function answersOf({ answers }: Tally, kind: Kind): string {
  const own = [...answers].filter(([key]) => key.startsWith(`${kind}: `)).sort((a, b) => b[1] - a[1]);
  return own.map(([key, count]) => `${key.slice(kind.length + 2)} ${number(count)}`).join(", ");
}

const number = (count: number) => count.toLocaleString("en");
