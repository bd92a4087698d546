import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { StartError } from "../platform/start-error.ts";
import { clientOptions, DUMP, runTool, SECRETS, withDatabase } from "./stores.ts";

/**
 * `npm run backup [-- FOLDER]`: one consistent picture of the database, taken while Causerie runs or not, and the
 * try-out's secrets beside it. The folder only gets its name once it is whole.
 */

await runTool(async () => {
  const folder =
    process.argv[2] ?? join("backups", new Date().toISOString().slice(0, 19).replaceAll(":", "-"));
  const unfinished = `${folder}.unfinished`;
  await withDatabase(
    async (url, { dataDir }) => {
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished, { recursive: true, mode: 0o700 });
      await dump(url, join(unfinished, DUMP));
      await copySecrets(join(dataDir, SECRETS), join(unfinished, SECRETS));
      await rename(unfinished, folder);
    },
    { mayRun: true },
  );
  console.log(`Backed up to ${folder}. It holds every message: keep it as safe as the chat itself.`);
});

/** @throws StartError with what the dump program said */
async function dump(url: string, file: string): Promise<void> {
  const { args, env, database } = clientOptions(url);
  const options = ["--single-transaction", "--quick", "--skip-lock-tables", "--hex-blob", "--no-tablespaces"];
  const child = spawn("mariadb-dump", [...args, ...options, database], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text) => {
    said += String(text);
  });
  const gone = once(child, "exit");
  await pipeline(child.stdout, createGzip(), createWriteStream(file, { mode: 0o600 }));
  const [status] = await gone;
  if (status !== 0) throw new StartError(`The database could not be dumped: ${said.trim()}`);
}

/** With settings of the operator's own there is no such file, and they know where their secrets are. */
async function copySecrets(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
    await chmod(to, 0o600);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
