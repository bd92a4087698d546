import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Connection } from "mysql2/promise";
import type { Config } from "../platform/config.ts";
import { ensureDatabase } from "../platform/migrate.ts";
import { StartError } from "../platform/start-error.ts";
import { load, refuseBroken } from "./dump.ts";
import { changePlaces, dropDatabase, hasPeople, makeEmpty, openConnection } from "./restore.queries.ts";
import { forgetEverybody, isInUse, openSessions } from "./sessions.ts";
import { DUMP, prepare, SECRETS, withStores } from "./stores.ts";
import { readArguments, runTool } from "./tool.ts";

/**
 * `npm run restore -- FOLDER [--replace]`: puts a backup back, with Causerie stopped. Refuses to write over a
 * database that has people in it unless told to. The backup is loaded beside the database and takes its place in
 * one step, so whatever fails before leaves everything as it was.
 */

const USAGE = "npm run restore -- FOLDER [--replace]";
const NAME_MAX = 64;
const BESIDE = "_restoring";

await runTool(async (signal) => {
  const { folder, replace } = readArguments(USAGE);
  if (!folder || !existsSync(join(folder, DUMP))) {
    throw new StartError(`Name a backup's folder, the one with ${DUMP} in it: npm run restore -- backups/…`);
  }
  await refuseBroken(join(folder, DUMP));
  const config = await prepare();
  await withStores(config, signal, async ({ database, redis }) => {
    const sessions = await openSessions(redis);
    if (await isInUse(sessions, config.redisPrefix)) {
      throw new StartError("Causerie is running with these stores: stop every process of it first.");
    }
    await ensureDatabase(database);
    await restoreDatabase(database, join(folder, DUMP), replace, signal);
    await restoreSecrets(folder, config);
    await forgetEverybody(sessions, config.redisPrefix);
    sessions.destroy();
  });
  console.log(`Restored from ${folder}. Everybody logs in again.`);
  await warnOfSecrets(folder);
});

async function restoreDatabase(
  url: string,
  file: string,
  replace: boolean,
  signal: AbortSignal,
): Promise<void> {
  const connection = await openConnection(url);
  try {
    if (!replace && (await hasPeople(connection))) {
      throw new StartError("There are people in this database: add --replace to write the backup over them.");
    }
    await loadAndReplace(connection, url, file, signal);
  } finally {
    await connection.end();
  }
}

async function loadAndReplace(connection: Connection, url: string, file: string, signal: AbortSignal) {
  const beside = new URL(url);
  const name = decodeURIComponent(beside.pathname.slice(1)).slice(0, NAME_MAX - BESIDE.length) + BESIDE;
  beside.pathname = `/${encodeURIComponent(name)}`;
  await makeEmpty(connection, name).catch((error) => {
    throw new StartError(
      `The backup is first loaded into a database ${name}, which is refused: ${error.message}`,
    );
  });
  try {
    await load(beside.href, file, signal);
    signal.throwIfAborted();
    await changePlaces(connection, name);
  } finally {
    await dropDatabase(connection, name);
  }
}

async function restoreSecrets(folder: string, { dataDir }: Config): Promise<void> {
  if (!existsSync(join(folder, SECRETS))) return;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await copyFile(join(folder, SECRETS), join(dataDir, SECRETS));
  await chmod(join(dataDir, SECRETS), 0o600);
}

/** A dump has no password that fits without the key it was made with. */
async function warnOfSecrets(folder: string): Promise<void> {
  const given = process.env.PASSWORD_KEY;
  const kept = existsSync(join(folder, SECRETS))
    ? parseEnv(await readFile(join(folder, SECRETS), "utf8"))
    : {};
  if (given && kept.PASSWORD_KEY && given !== kept.PASSWORD_KEY) {
    console.log(`PASSWORD_KEY is set, and not to the one in ${join(folder, SECRETS)}: no password fits.`);
  }
  if (!given && !kept.PASSWORD_KEY) {
    console.log("This backup holds no secrets: set the PASSWORD_KEY it was made with, or no password fits.");
  }
}
