import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Config, configure } from "../platform/config.ts";
import {
  databaseUrlOf,
  ensurePrograms,
  redisUrlOf,
  startPrivateStores,
} from "../platform/embedded/embedded.ts";
import { prepareDataFolder } from "../platform/embedded/folders.ts";
import { mariadbPlaces } from "../platform/embedded/mariadb.ts";
import { StartError } from "../platform/start-error.ts";

/** What backup and restore share: the settings, the programs, the way to the stores. */

/** Debian's dump program comes with the client, not with the server. */
const PROGRAMS = [
  { program: "mariadb-dump", package: "mariadb-client" },
  { program: "mariadb", package: "mariadb-client" },
];

/** The file beside the dump that holds a try-out's secrets: without its key no password fits any more. */
export const SECRETS = "secrets.env";
export const DUMP = "database.sql.gz";

/** The settings, with the programs that backup and restore need in place. @throws StartError */
export async function prepare(): Promise<Config> {
  const config = configure(process.env);
  await ensurePrograms(PROGRAMS, console.log);
  return config;
}

/**
 * A way to the database for as long as `work` takes: the operator's, the running app's, or one started for it.
 *
 * @throws StartError where there is no database to read
 */
export async function withDatabase(
  config: Config,
  signal: AbortSignal,
  work: (url: string) => Promise<void>,
): Promise<void> {
  if (config.databaseUrl !== null) return work(config.databaseUrl);
  const directory = prepareDataFolder(config.dataDir);
  if (!existsSync(join(directory, "mariadb"))) {
    throw new StartError(
      `There is no database in ${config.dataDir}: set DATA_DIR or DATABASE_URL as they are for Causerie.`,
    );
  }
  const { socket } = mariadbPlaces(directory);
  if (await answers(socket)) {
    return work(databaseUrlOf({ databaseSocket: socket, stop: async () => undefined }));
  }
  return withPrivateStores(directory, { mariadb: true, redis: false }, signal, (stores) =>
    work(databaseUrlOf(stores)),
  );
}

/** Both stores for as long as `work` takes. @throws StartError while an app runs on private ones */
export function withStores(
  config: Config,
  signal: AbortSignal,
  work: (urls: { database: string; redis: string }) => Promise<void>,
): Promise<void> {
  const wanted = { mariadb: config.databaseUrl === null, redis: config.redisUrl === null };
  return withPrivateStores(config.dataDir, wanted, signal, (stores) =>
    work({
      database: config.databaseUrl ?? databaseUrlOf(stores),
      redis: config.redisUrl ?? redisUrlOf(stores),
    }),
  );
}

async function withPrivateStores(
  directory: string,
  wanted: { mariadb: boolean; redis: boolean },
  signal: AbortSignal,
  work: (stores: Awaited<ReturnType<typeof startPrivateStores>>) => Promise<void>,
): Promise<void> {
  const stores = await startPrivateStores({ directory, ...wanted, signal, log: console.log });
  try {
    await work(stores);
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
