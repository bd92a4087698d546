import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StartError } from "../platform/start-error.ts";
import { dump } from "./dump.ts";
import { DUMP, prepare, SECRETS, withDatabase } from "./stores.ts";
import { readArguments, runTool } from "./tool.ts";

/**
 * `npm run backup [-- FOLDER]`: one consistent picture of the database, taken while Causerie runs or not, and the
 * try-out's secrets beside it. The folder only gets its name once it is whole and on the disk.
 */

await runTool(async (signal) => {
  const given = readArguments("npm run backup [-- FOLDER]");
  if (given.replace) throw new StartError("Usage: npm run backup [-- FOLDER]");
  const folder = given.folder ?? join("backups", nameOf(new Date()));
  if (existsSync(folder)) throw new StartError(`${folder} exists already: name a folder that does not.`);
  const config = await prepare();
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  try {
    await withDatabase(config, signal, (url) => dump(url, join(unfinished, DUMP), signal));
    await copySecrets(join(config.dataDir, SECRETS), join(unfinished, SECRETS));
    await rename(unfinished, folder);
    await flush(dirname(folder));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  console.log(`Backed up to ${folder}. It holds every message: keep it as safe as the chat itself.`);
});

/** 2026-11-21T04-33-30, in UTC. */
function nameOf(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(":", "-");
}

/** With secrets of the operator's own the file is not in use, and they know where theirs are. */
async function copySecrets(from: string, to: string): Promise<void> {
  if (process.env.SESSION_SECRET && process.env.PASSWORD_KEY) return;
  await copyFile(from, to);
  await chmod(to, 0o600);
  await flush(to);
}

async function flush(path: string): Promise<void> {
  const handle = await open(path);
  await handle.sync();
  await handle.close();
}
