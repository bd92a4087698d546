import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import type { StoreUrls } from "./node.ts";
import { log } from "./platform/log.ts";
import { StartError } from "./platform/start-error.ts";

/** `WEB_CONCURRENCY` processes on one port, started anew when one dies. */

const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 10_000;
const STEADY_MS = 30_000;
const STOP_MS = 10_000;

/** What a worker tells the primary process. */
type Report = { address: string } | { failure: string };

export interface Workers {
  address: string;
  stop: () => Promise<void>;
}

/** Starts the workers; resolves once all of them serve. @throws StartError with a worker's failure */
export async function startWorkers(count: number, urls: StoreUrls): Promise<Workers> {
  let stopping = false;
  const environment = { DATABASE_URL: urls.database, REDIS_URL: urls.redis };
  const keep = (delayMs: number) => {
    const worker = cluster.fork(environment);
    const since = performance.now();
    worker.once("exit", (code, signal) => {
      if (stopping) return;
      log.error({ worker: worker.process.pid, code, signal }, "a worker died and is started anew");
      const next =
        performance.now() - since > STEADY_MS ? RESTART_MIN_MS : Math.min(delayMs * 2, RESTART_MAX_MS);
      setTimeout(() => stopping || keep(next), delayMs);
    });
    return worker;
  };
  const stop = async () => {
    stopping = true;
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => worker && stopWorker(worker)));
  };
  try {
    const addresses = await Promise.all(Array.from({ length: count }, () => serving(keep(RESTART_MIN_MS))));
    return { address: addresses[0] ?? "", stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serving(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.once("message", (report: Report) => {
      if ("address" in report) resolve(report.address);
      else reject(new StartError(report.failure));
    });
    worker.once("exit", () => reject(new Error("a worker ended while it started")));
  });
}

async function stopWorker(worker: Worker): Promise<void> {
  const gone = once(worker, "exit");
  worker.process.kill("SIGTERM");
  const timer = setTimeout(() => worker.process.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(timer);
}
