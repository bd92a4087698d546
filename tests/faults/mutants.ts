import { runTrial, type TrialOptions, type TrialResult } from "./trial.ts";

/** Causeries that break a promise on purpose: the checker must catch each. */

const SEED = 4;
const MS = 15_000;
const preload = (name: string) => new URL(`./mutants/${name}.ts`, import.meta.url).href;

export const MUTANTS: Record<string, Partial<TrialOptions>> = {
  "acknowledges before the commit": {
    preload: preload("early-acknowledgement"),
    only: ["kill node", "kill MariaDB"],
  },
  "forgets the unique key and the look for it": {
    preload: preload("no-unique-key"),
    only: ["lost acknowledgements"],
  },
  "does not catch up": { neverCatchesUp: true, only: ["cut connections", "sleeping device"] },
  "lets a logged-out socket back in": { preload: preload("logged-out-sockets"), only: ["cut connections"] },
};

export function runMutant(name: string): Promise<TrialResult> {
  return runTrial({ seed: SEED, ms: MS, ...MUTANTS[name] });
}
