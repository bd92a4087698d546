import { spawn } from "node:child_process";
import { glob, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAssets } from "../src/platform/build.ts";
import {
  databaseUrlOf,
  ensurePrograms,
  redisUrlOf,
  startPrivateStores,
} from "../src/platform/embedded/embedded.ts";
import { StartError } from "../src/platform/start-error.ts";

/**
 * Runs the tests on real servers of their own: `npm test`, or `npm test -- tests/auth/*.test.ts` for some.
 * TEST_DATABASE_URL and TEST_REDIS_URL name other servers; each test file makes a database of its own there.
 */

/** What tests use beside the servers: a browser, and what backups are made with. */
const PROGRAMS = [
  { program: "chromium", package: "chromium" },
  { program: "mariadb-dump", package: "mariadb-client" },
];
const FILE_TIMEOUT_MS = Number(process.env.TEST_FILE_MS ?? 240_000);
const folder = await mkdtemp(join(tmpdir(), "causerie-test-"));
const report = (line: string) => console.log(line);

async function main(): Promise<number> {
  const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env;
  await ensurePrograms(PROGRAMS, report);
  const wanted = { mariadb: !TEST_DATABASE_URL, redis: !TEST_REDIS_URL };
  const [stores] = await Promise.all([
    startPrivateStores({ directory: folder, ...wanted, log: report }),
    buildAssets(),
  ]);
  try {
    return await runTests({
      TEST_DATABASE_URL: TEST_DATABASE_URL ?? databaseUrlOf(stores, ""),
      TEST_REDIS_URL: TEST_REDIS_URL ?? redisUrlOf(stores),
    });
  } finally {
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runTests(urls: Record<string, string>): Promise<number> {
  const given = process.argv.slice(2);
  const files = given.length > 0 ? given : (await Array.fromAsync(glob("tests/**/*.test.ts"))).sort();
  const options = ["--test", "--test-concurrency=2", `--test-timeout=${FILE_TIMEOUT_MS}`];
  const child = spawn(process.execPath, [...options, ...files], {
    stdio: "inherit",
    env: { ...process.env, ...urls, NODE_ENV: "test" },
  });
  // Ctrl-C reaches the child as well; this process stays to stop the servers after it.
  process.on("SIGINT", () => undefined).on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
}
