import { mkdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import type { Stops } from "./growth/app.ts";
import { countMessages, readVersion } from "./growth/growth.queries.ts";
import { measureAll } from "./growth/measure.ts";
import { OPERATIONS } from "./growth/operations.ts";
import { GOAL, plotOf, tableOf } from "./growth/report.ts";
import { openStage, type Stage } from "./growth/stage.ts";
import { startDataStores } from "./seed/datasets.ts";
import { SIZES } from "./seed/sizes.ts";

/**
 * `npm run bench:growth`: what people do, on 20,000, 500,000 and 10 million messages, and how much more it costs where
 * more is stored. Every dataset has an app in production mode of its own; all share one MariaDB server and its cache.
 * Measured is the time until the answer is there, over HTTP or a socket, one thing at a time.
 */

const FOLDER = new URL("../docs/performance/", import.meta.url);

async function main(): Promise<void> {
  const stores = await startDataStores();
  const stops: Stops = [() => stores.stop()];
  const stages: Stage[] = [];
  try {
    for (const size of Object.values(SIZES)) stages.push(await openStage(stores, size, stops));
    const results = await measureAll(OPERATIONS, stages, console.log);
    for (const stage of stages) await checkStored(stage);
    await mkdir(FOLDER, { recursive: true });
    const report = {
      date: new Date().toISOString().slice(0, 10),
      ...(await machineOf(stages)),
      goal: GOAL,
      results,
    };
    await writeFile(new URL("growth.json", FOLDER), `${JSON.stringify(report, null, 2)}\n`);
    await writeFile(new URL("growth.svg", FOLDER), plotOf(results));
    console.log(`\n${tableOf(results)}\n`);
  } finally {
    for (const stop of stops.reverse()) await stop().catch(console.error);
  }
}

/** What it ran on: figures of another machine are others. */
async function machineOf([stage]: Stage[]) {
  const database = stage ? await readVersion(stage.connection) : "";
  return {
    cores: cpus().length,
    gigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    database,
  };
}

/** Every message that was acknowledged is in the table. */
async function checkStored({ connection, long, last, size }: Stage): Promise<void> {
  const stored = await countMessages(connection, long.id);
  if (stored !== last)
    throw new Error(`${size.name}: ${last} messages were acknowledged, ${stored} are stored`);
}

await main();
