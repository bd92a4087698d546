import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import dotenv from "dotenv";
import { configure } from "./platform/config.ts";
import { databaseUrlOf, redisUrlOf, startPrivateStores } from "./platform/embedded/embedded.ts";
import { StartError } from "./platform/start-error.ts";

/**
 * `npm run dev`: the app, started anew whenever a source changes, its styles and browser code rebuilt by that
 * start. The private servers stay up meanwhile.
 */

const WATCHED = ["src", "views", "locales", "sql", "tailwind.config.js"];
const SETTLE_MS = 100;

async function main(): Promise<void> {
  dotenv.config({ quiet: true });
  const { dataDir, databaseUrl, redisUrl } = configure(process.env);
  const wanted = { mariadb: databaseUrl === null, redis: redisUrl === null };
  const stores = await startPrivateStores({ directory: dataDir, ...wanted, log: console.log });
  const environment = {
    ...process.env,
    DATABASE_URL: databaseUrl ?? databaseUrlOf(stores),
    REDIS_URL: redisUrl ?? redisUrlOf(stores),
  };
  let child = run(environment);
  const restart = settled(async () => {
    await end(child);
    child = run(environment);
  });
  const watchers = WATCHED.map((path) => watch(path, { recursive: true }, restart));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, async () => {
      for (const watcher of watchers) watcher.close();
      await end(child);
      await stores.stop();
      process.exit(0);
    });
  }
}

function run(environment: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ["src/server.ts"], { env: environment, stdio: "inherit" });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

/** Runs `work` once things have been quiet for a moment, and never twice at a time. */
function settled(work: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(work);
    }, SETTLE_MS);
  };
}

try {
  await main();
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
}
