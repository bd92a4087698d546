import { parseArgs } from "node:util";
import { BAD } from "./check.ts";
import { MUTANTS, runMutant } from "./mutants.ts";
import { runTrial, type TrialResult } from "./trial.ts";

/**
 * `npm run test:faults`: a trial of a minute. `-- --minutes 10 --seed 7` for a long one, several seeds as
 * `--seed 1,2,3`; `-- --mutants` proves that the checker catches what it is for.
 */

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    mutants: { type: "boolean", default: false },
    only: { type: "string" },
    quiet: { type: "boolean", default: false },
  },
});

function show(result: TrialResult): boolean {
  const faults = Object.entries(result.counts).map(([name, count]) => `${name} ${count}`);
  const total = Object.values(result.counts).reduce((sum, count) => sum + count, 0);
  const { convergence } = result;
  const lines = [
    ["seed", result.seed],
    ["faults", `${total} (${faults.join(", ")})`],
    ["attempted", result.attempted],
    ["acknowledged", result.acknowledged],
    ["failed", result.failed],
    ["unknown", result.unknown],
    ...BAD.map((kind) => [kind, result[kind]]),
    [
      "converged, ms",
      `p50 ${convergence.p50}, p99 ${convergence.p99}, max ${convergence.max}, never ${convergence.never}`,
    ],
    ["presence right after, ms", result.presenceMs],
    ["slowest return, ms", result.slowestReturnMs],
    ["slowest drain, ms", result.slowestDrainMs],
  ];
  for (const [name, value] of lines) console.log(`${String(name).padEnd(26)}${value}`);
  for (const example of result.examples) console.log(`  ${example}`);
  return isGood(result);
}

/** Nothing bad, everybody up to date and presence true within 30 s of the last fault. */
export function isGood(result: TrialResult): boolean {
  return (
    BAD.every((kind) => result[kind] === 0) && result.convergence.never === 0 && result.presenceMs <= 30_000
  );
}

async function main(): Promise<boolean> {
  if (values.mutants) return mutants();
  let good = true;
  for (const seed of values.seed.split(",").map(Number)) {
    const report = values.quiet ? undefined : (line: string) => console.log(`  ${line}`);
    const result = await runTrial({
      seed,
      ms: Number(values.minutes) * 60_000,
      ...(report ? { report } : {}),
    });
    good = show(result) && good;
  }
  return good;
}

async function mutants(): Promise<boolean> {
  let caught = true;
  for (const name of Object.keys(MUTANTS).filter((each) => each.includes(values.only ?? ""))) {
    const result = await runMutant(name);
    const isCaught = !isGood(result);
    const found = BAD.filter((kind) => result[kind] > 0).map((kind) => `${kind} ${result[kind]}`);
    console.log(
      `${name.padEnd(44)}${isCaught ? "caught" : "NOT CAUGHT"}  ${found.join(", ")}, never ${result.convergence.never}`,
    );
    caught &&= isCaught;
  }
  return caught;
}

process.exitCode = (await main()) ? 0 : 1;
