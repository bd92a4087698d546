import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listPeople } from "../src/conversations/people.ts";
import { configure } from "../src/platform/config.ts";
import { closeDatabase, openDatabase } from "../src/platform/db.ts";
import { databaseUrlOf, redisUrlOf, startPrivateStores } from "../src/platform/embedded/embedded.ts";
import { migrate } from "../src/platform/migrate.ts";
import { closeRedis, openRedis } from "../src/platform/redis.ts";
import { fillPeople } from "./seed/fill.ts";
import { connectForLoading } from "./seed/seed.queries.ts";

/**
 * `npm run bench:people`: how long the list of people and its search take on the server, at 1,000 and at 100,000
 * people. The goal: within 50 ms, and flat as they grow.
 */

const SIZES = [1000, 100_000];
const ROUNDS = 60;
const SEARCHES = {
  "first page": "",
  "one letter": "a",
  "two letters": "mi",
  "four letters": "nako",
  nobody: "zzzz",
};

async function measure(q: string): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const since = performance.now();
    await listPeople({ userId: 1 }, { q, after: null, limit: 20 });
    times.push(performance.now() - since);
  }
  times.sort((a, b) => a - b);
  return `${(times[ROUNDS / 2] ?? 0).toFixed(1)} / ${(times.at(-1) ?? 0).toFixed(1)}`;
}

const folder = await mkdtemp(join(tmpdir(), "causerie-bench-"));
const stores = await startPrivateStores({ directory: folder, mariadb: true, redis: true, log: console.log });
try {
  configure({ DATA_DIR: folder });
  await migrate(databaseUrlOf(stores));
  openDatabase(databaseUrlOf(stores), 4);
  await openRedis(redisUrlOf(stores));
  const loading = await connectForLoading(databaseUrlOf(stores));
  const results: Record<string, Record<string, string>> = {};
  let filled = 0;
  for (const size of SIZES) {
    await fillPeople(loading, { from: filled + 1, to: size, passwordHash: "-" });
    filled = size;
    for (const [name, q] of Object.entries(SEARCHES)) {
      await measure(q);
      results[name] = { ...results[name], [`${size} people, ms median / max`]: await measure(q) };
    }
  }
  await loading.end();
  console.table(results);
} finally {
  await closeDatabase();
  closeRedis();
  await stores.stop();
  await rm(folder, { recursive: true, force: true });
}
