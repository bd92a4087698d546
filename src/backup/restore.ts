import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { chmod, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import mysql, { type RowDataPacket } from "mysql2/promise";
import { ensureDatabase } from "../platform/migrate.ts";
import { StartError } from "../platform/start-error.ts";
import { clientOptions, DUMP, runTool, SECRETS, withDatabase } from "./stores.ts";

/**
 * `npm run restore -- FOLDER [--replace]`: puts a backup back, with Causerie stopped. Refuses to write over a
 * database that has people in it unless told to.
 */

await runTool(async () => {
  const [folder, flag] = process.argv.slice(2);
  if (!folder || !existsSync(join(folder, DUMP))) {
    throw new StartError(`Name a backup's folder, the one with ${DUMP} in it: npm run restore -- backups/…`);
  }
  await withDatabase(
    async (url, { dataDir }) => {
      await ensureDatabase(url);
      if (flag !== "--replace") await refuseFilled(url);
      await load(url, join(folder, DUMP));
      await restoreSecrets(join(folder, SECRETS), join(dataDir, SECRETS));
    },
    { mayRun: false },
  );
  console.log(`Restored from ${folder}. Everybody logs in again.`);
});

async function refuseFilled(url: string): Promise<void> {
  const connection = await mysql.createConnection({ uri: url });
  try {
    const [tables] = await connection.query<RowDataPacket[]>("SHOW TABLES LIKE 'users'");
    if (tables.length === 0) return;
    const [people] = await connection.query<RowDataPacket[]>("SELECT 1 FROM users LIMIT 1");
    if (people.length > 0) {
      throw new StartError("There are people in this database: add --replace to write the backup over them.");
    }
  } finally {
    await connection.end();
  }
}

/** @throws StartError with what the client said */
async function load(url: string, file: string): Promise<void> {
  const { args, env, database } = clientOptions(url);
  const child = spawn("mariadb", [...args, database], { env, stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += String(text);
  });
  const gone = once(child, "exit");
  await pipeline(createReadStream(file), createGunzip(), child.stdin).catch(() => undefined);
  const [status] = await gone;
  if (status !== 0) throw new StartError(`The backup could not be loaded: ${said.trim()}`);
}

async function restoreSecrets(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  await copyFile(from, to);
  await chmod(to, 0o600);
}
