import { type Reads, readReads } from "./growth.queries.ts";
import type { Operation } from "./operations.ts";
import type { Stage } from "./stage.ts";

/** What an operation costs on one dataset. */
interface Cost {
  /** Messages in the dataset. */
  messages: number;
  /** Milliseconds until the answer is there: the median of the rounds' medians, the least and the greatest of them. */
  ms: Spread;
  /** What the database read for one, on average; without what it read to tell so. */
  reads: Reads;
}

interface Spread {
  median: number;
  min: number;
  max: number;
}

/** One operation on every dataset, in their order. */
export interface Result {
  name: string;
  costs: Cost[];
  /** The median on the last dataset by that on the first. */
  ratio: number;
}

const ROUNDS = 5;
/** Turns of which the database's reading is counted. */
const COUNTED = 6;

/**
 * Measures every operation on every dataset: one round to warm up, then five, in which the datasets take turns within
 * each operation, in one order and in the other.
 */
export async function measureAll(
  operations: Operation[],
  stages: Stage[],
  tell: (line: string) => void,
): Promise<Result[]> {
  const timed = operations.map(() => stages.map((): number[] => []));
  for (let round = 0; round <= ROUNDS; round += 1) {
    tell(round === 0 ? "warming up" : `round ${round} of ${ROUNDS}`);
    for (const [index, operation] of operations.entries()) {
      for (const [place, stage] of inTurn(stages, round)) {
        const median = await medianOf(operation, stage, round);
        if (round > 0) timed[index]?.[place]?.push(median);
      }
    }
  }
  tell("counting what the database reads");
  const results: Result[] = [];
  for (const [index, operation] of operations.entries()) {
    const reads: Reads[] = [];
    for (const stage of stages) reads.push(await readsOf(operation, stage));
    results.push(resultOf(operation.name, stages, timed[index] ?? [], reads));
  }
  return results;
}

function inTurn(stages: Stage[], round: number): [number, Stage][] {
  const places = [...stages.entries()];
  return round % 2 === 0 ? places : places.reverse();
}

async function medianOf(operation: Operation, stage: Stage, round: number): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < operation.times; turn += 1) {
    await operation.prepare?.(stage);
    const since = performance.now();
    await operation.run(stage, round * operation.times + turn);
    times.push(performance.now() - since);
  }
  return spreadOf(times).median;
}

async function readsOf(operation: Operation, stage: Stage): Promise<Reads> {
  const total: Reads = { rows: 0, pages: 0 };
  for (let turn = 0; turn < COUNTED; turn += 1) {
    await operation.prepare?.(stage);
    const start = await readReads(stage.connection);
    // Telling what was read is read as well.
    const before = await readReads(stage.connection);
    await operation.run(stage, (ROUNDS + 1) * operation.times + turn);
    const after = await readReads(stage.connection);
    total.rows += after.rows - before.rows - (before.rows - start.rows);
    total.pages += after.pages - before.pages;
  }
  return { rows: Math.round(total.rows / COUNTED), pages: total.pages / COUNTED };
}

function resultOf(name: string, stages: Stage[], timed: number[][], reads: Reads[]): Result {
  const costs = stages.map(({ size }, place) => ({
    messages: size.messages,
    ms: spreadOf(timed[place] ?? []),
    reads: reads[place] ?? { rows: 0, pages: 0 },
  }));
  return { name, costs, ratio: (costs.at(-1)?.ms.median ?? 0) / (costs[0]?.ms.median ?? 0) };
}

function spreadOf(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: at(Math.floor(sorted.length / 2)), min: at(0), max: at(sorted.length - 1) };
}
