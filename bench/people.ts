import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listPeople } from "../src/conversations/people.ts";
import { configure } from "../src/platform/config.ts";
import { closeDatabase, db, openDatabase } from "../src/platform/db.ts";
import { databaseUrlOf, redisUrlOf, startPrivateStores } from "../src/platform/embedded/embedded.ts";
import { migrate } from "../src/platform/migrate.ts";
import { closeRedis, openRedis } from "../src/platform/redis.ts";
import { suffixesOf, usernameKey } from "../src/users/usernames.ts";

/**
 * `npm run bench:people`: how long the list of people and its search take on the server, at 1,000 and at 100,000
 * people. The goal: within 50 ms, and flat as they grow.
 */

const SIZES = [1000, 100_000];
const ROUNDS = 60;
const ROWS = 5000;
const SYLLABLES = [
  "ma",
  "ri",
  "an",
  "jo",
  "le",
  "na",
  "ti",
  "sa",
  "ko",
  "be",
  "lu",
  "do",
  "mi",
  "ra",
  "el",
  "vi",
];
const SEARCHES = {
  "first page": "",
  "one letter": "a",
  "two letters": "mi",
  "four letters": "nako",
  nobody: "zzzz",
};

/** A name no other number has. */
function nameOf(index: number): string {
  let rest = index;
  let name = "";
  for (let place = 0; place < 4; place += 1) {
    name += SYLLABLES[rest % SYLLABLES.length] ?? "";
    rest = Math.floor(rest / SYLLABLES.length);
  }
  return `${name}${rest}`;
}

async function fill(from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += ROWS) {
    const names = Array.from({ length: Math.min(ROWS, to - start) }, (_each, index) => nameOf(start + index));
    const users = names.map((name, index) => [
      start + index + 1,
      name,
      usernameKey(name),
      "-",
      1,
      new Date(),
    ]);
    await db.writeMany(
      "INSERT INTO users (id, username, username_key, password_hash, password_scheme, created_at) VALUES ?",
      [users],
    );
    const suffixes = names.flatMap((name, index) =>
      suffixesOf(usernameKey(name)).map(({ suffix, freshFrom }) => [suffix, start + index + 1, freshFrom]),
    );
    for (let at = 0; at < suffixes.length; at += ROWS) {
      await db.writeMany("INSERT INTO username_suffixes (suffix, user_id, fresh_from) VALUES ?", [
        suffixes.slice(at, at + ROWS),
      ]);
    }
  }
}

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
  const results: Record<string, Record<string, string>> = {};
  let filled = 0;
  for (const size of SIZES) {
    await fill(filled, size);
    filled = size;
    for (const [name, q] of Object.entries(SEARCHES)) {
      await measure(q);
      results[name] = { ...results[name], [`${size} people, ms median / max`]: await measure(q) };
    }
  }
  console.table(results);
} finally {
  await closeDatabase();
  closeRedis();
  await stores.stop();
  await rm(folder, { recursive: true, force: true });
}
