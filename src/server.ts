import cluster from "node:cluster";
import dotenv from "dotenv";
import { type StoreUrls, startNode } from "./node.ts";
import { buildAssets } from "./platform/build.ts";
import { type Config, configure } from "./platform/config.ts";
import { withDeadline } from "./platform/deadline.ts";
import { databaseUrlOf, redisUrlOf, startPrivateStores } from "./platform/embedded/embedded.ts";
import { log, openLog } from "./platform/log.ts";
import { migrate } from "./platform/migrate.ts";
import { StartError } from "./platform/start-error.ts";
import { startWorkers } from "./workers.ts";

/** Starts Causerie, and stops it in an orderly way when asked to. */

/** A node drains in 8 s; a private database may then take 20 s to write everything down. */
const STOP_MS = 30_000;

type Stop = () => Promise<void>;

/** Starts what the settings ask for and returns its address; `stops` gets what undoes it, last first. */
async function start(config: Config, stops: Stop[], signal: AbortSignal): Promise<string> {
  if (cluster.isWorker) {
    const urls = { database: config.databaseUrl ?? "", redis: config.redisUrl ?? "" };
    return serve(startNode(config, urls, await buildAssets()), stops);
  }
  const [manifest, urls] = await both(buildAssets(), stores(config, stops, signal));
  signal.throwIfAborted();
  await migrate(urls.database);
  if (config.webConcurrency > 1) return serve(startWorkers(config.webConcurrency, urls), stops);
  return serve(startNode(config, urls, manifest), stops);
}

async function serve(starting: Promise<{ address: string; stop: Stop }>, stops: Stop[]): Promise<string> {
  const { address, stop } = await starting;
  stops.unshift(stop);
  return address;
}

/** Waits for both even if one fails, so that nothing starts after what failed was cleaned up. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([first, second]);
  return Promise.all([first, second]);
}

/** The stores that the settings name, or private ones of our own. */
async function stores(config: Config, stops: Stop[], signal: AbortSignal): Promise<StoreUrls> {
  const wanted = { mariadb: config.databaseUrl === null, redis: config.redisUrl === null };
  const report = (line: string) => log.info(line);
  const started = await startPrivateStores({ directory: config.dataDir, ...wanted, signal, log: report });
  stops.unshift(() => started.stop());
  return {
    database: config.databaseUrl ?? databaseUrlOf(started),
    redis: config.redisUrl ?? redisUrlOf(started),
  };
}

async function stopAll(stops: Stop[]): Promise<void> {
  for (const stop of stops)
    await stop().catch((error) => log.error({ error: String(error) }, "while stopping"));
}

async function main(): Promise<void> {
  const stops: Stop[] = [];
  const starting = new AbortController();
  const stop = once(async () => {
    if (cluster.isPrimary) log.info("stopping");
    starting.abort(new Error("stopped while starting"));
    await started;
    await withDeadline(stopAll(stops), STOP_MS, "an orderly stop").catch((error) => log.error(String(error)));
    process.exit(0);
  });
  process.on("SIGTERM", stop);
  // Ctrl-C reaches every process of the terminal; workers stop when the primary says so, or is gone.
  process.on("SIGINT", cluster.isPrimary ? stop : () => undefined);
  if (cluster.isWorker) process.on("disconnect", stop);
  const started = startReporting(stops, starting.signal);
  await started;
}

async function startReporting(stops: Stop[], signal: AbortSignal): Promise<void> {
  try {
    dotenv.config({ quiet: true });
    const config = configure(process.env);
    openLog(config);
    const address = await start(config, stops, signal);
    if (cluster.isPrimary) log.info(`Causerie is running at ${address}`);
    process.send?.({ address });
  } catch (error) {
    if (!signal.aborted) reportFailure(error);
    await stopAll(stops);
    process.exit(signal.aborted ? 0 : 1);
  }
}

/** What the operator can mend is one line; everything else is a fault of ours, with its details. */
function reportFailure(error: unknown): void {
  const line = error instanceof StartError ? error.message : error;
  if (cluster.isWorker) process.send?.({ failure: String(line) });
  else console.error(line);
}

function once(work: () => Promise<void>): () => void {
  let done = false;
  return () => {
    if (!done) void work();
    done = true;
  };
}

await main();
