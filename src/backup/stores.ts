import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import dotenv from "dotenv";
import { type Config, configure } from "../platform/config.ts";
import { databaseUrlOf, ensurePrograms, startPrivateStores } from "../platform/embedded/embedded.ts";
import { StartError } from "../platform/start-error.ts";

/** What backup and restore share: the settings, the programs, the way to the database. */

/** Debian's dump program comes with the client, not with the server. */
const PROGRAMS = [
  { program: "mariadb-dump", package: "mariadb-client" },
  { program: "mariadb", package: "mariadb-client" },
];

/** The file beside the dump that holds a try-out's secrets: without its key no password fits any more. */
export const SECRETS = "secrets.env";
export const DUMP = "database.sql.gz";

/** A way to the database for as long as `work` takes: the operator's, the running app's, or one started for it. */
export async function withDatabase(
  work: (url: string, config: Config) => Promise<void>,
  { mayRun }: { mayRun: boolean },
): Promise<void> {
  dotenv.config({ quiet: true });
  const config = configure(process.env);
  await ensurePrograms(PROGRAMS, console.log);
  if (config.databaseUrl !== null) return work(config.databaseUrl, config);
  const databaseSocket = join(config.dataDir, "run", "mariadb.sock");
  if (mayRun && (await answers(databaseSocket))) {
    return work(databaseUrlOf({ databaseSocket, stop: async () => undefined }), config);
  }
  const stores = await startPrivateStores({
    directory: config.dataDir,
    mariadb: true,
    redis: false,
    log: console.log,
  });
  try {
    await work(databaseUrlOf(stores), config);
  } finally {
    await stores.stop();
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** How the database's own programs are told where to go; the password stays out of the list of processes. */
export function clientOptions(url: string): { args: string[]; env: NodeJS.ProcessEnv; database: string } {
  const address = new URL(url);
  const socket = address.searchParams.get("socketPath");
  const place = socket
    ? [`--socket=${socket}`]
    : ["--protocol=TCP", `--host=${address.hostname}`, `--port=${address.port || "3306"}`];
  return {
    args: [
      "--no-defaults",
      ...place,
      `--user=${decodeURIComponent(address.username)}`,
      "--default-character-set=utf8mb4",
    ],
    env: { PATH: process.env.PATH, MYSQL_PWD: decodeURIComponent(address.password) },
    database: decodeURIComponent(address.pathname.slice(1)),
  };
}

/** Runs a command-line tool's main function: a reason the operator can mend is one line, and the status tells. */
export async function runTool(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof StartError ? error.message : error);
    process.exitCode = 1;
  }
}
