import { join } from "node:path";
import { folderError, makePrivateFolder, prepareDataFolder } from "./folders.ts";
import { lockDirectory } from "./lock.ts";
import { MARIADB_PROGRAMS, mariadbPlaces, prepareMariadb } from "./mariadb.ts";
import { ensurePrograms } from "./programs.ts";
import { prepareRedis, redisPlaces, redisPrograms } from "./redis.ts";
import { endLeftover, type PrivateServer, startServer } from "./server.ts";
import { supervise } from "./supervise.ts";

export { lockDirectory } from "./lock.ts";
export { ensurePrograms, type WantedProgram } from "./programs.ts";

/** The private servers of a data folder, while they run. */
export interface PrivateStores {
  /** The path of MariaDB's socket, when it was asked for: user root, no password. */
  databaseSocket?: string;
  /** The path of Redis's socket, when it was asked for. */
  redisSocket?: string;
  /** Ends the servers in order and gives the data folder back; calling it again changes nothing. */
  stop(): Promise<void>;
}

/** The address of a private MariaDB's database, for DATABASE_URL. */
export function databaseUrlOf({ databaseSocket = "" }: PrivateStores, database = "causerie"): string {
  return `mysql://root@localhost/${database}?socketPath=${encodeURIComponent(databaseSocket)}`;
}

/** The address of a private Redis, for REDIS_URL. */
export function redisUrlOf({ redisSocket = "" }: PrivateStores): string {
  return `unix:${redisSocket.split("/").map(encodeURIComponent).join("/")}`;
}

export interface PrivateStoresOptions {
  /** The data folder; created if it is missing. */
  directory: string;
  mariadb: boolean;
  redis: boolean;
  /** Takes what the operator should read, a line at a time. */
  log: (line: string) => void;
  /** Gives up a start that is under way: it rejects with the signal's reason, everything ended. */
  signal?: AbortSignal | undefined;
}

/**
 * Starts the app's own MariaDB and Redis servers, or goes on with those that a killed Causerie left
 * running, and keeps them running until they are stopped. Resolves when they serve.
 * Throws StartError, one line that says what to do; then nothing it started is left running.
 */
export async function startPrivateStores(options: PrivateStoresOptions): Promise<PrivateStores> {
  if (!options.mariadb && !options.redis) return { stop: async () => {} };
  const directory = prepareDataFolder(options.directory);
  try {
    return await startLocked(directory, options, lockDirectory(directory));
  } catch (error) {
    throw folderError(directory, error);
  }
}

async function startLocked(
  directory: string,
  options: PrivateStoresOptions,
  unlock: () => void,
): Promise<PrivateStores> {
  try {
    makePrivateFolder(join(directory, "run"));
    await ensurePrograms(wantedPrograms(options), options.log);
    await endUnwanted(directory, options);
    const stopServers = await startAll(preparations(directory, options), options);
    return privateStores(directory, options, async () => {
      await stopServers();
      unlock();
    });
  } catch (error) {
    unlock();
    throw error;
  }
}

function wantedPrograms({ mariadb, redis }: PrivateStoresOptions) {
  return [...(mariadb ? MARIADB_PROGRAMS : []), ...(redis ? redisPrograms() : [])];
}

// One that a killed Causerie left, and that a changed configuration no longer wants.
async function endUnwanted(directory: string, { mariadb, redis }: PrivateStoresOptions): Promise<void> {
  if (!mariadb) await endLeftover(mariadbPlaces(directory));
  if (!redis) await endLeftover(redisPlaces(directory));
}

type Preparation = (signal: AbortSignal) => Promise<PrivateServer>;

function preparations(directory: string, { mariadb, redis }: PrivateStoresOptions): Preparation[] {
  const wanted: Preparation[] = [];
  if (mariadb) wanted.push((signal) => prepareMariadb(directory, signal));
  if (redis) wanted.push(() => prepareRedis(directory));
  return wanted;
}

// All at once. The first that fails ends the start of the others, and its error is the one to tell.
async function startAll(wanted: Preparation[], options: PrivateStoresOptions): Promise<() => Promise<void>> {
  const failing = new AbortController();
  const giveUp = AbortSignal.any([failing.signal, ...(options.signal ? [options.signal] : [])]);
  const stops: (() => Promise<void>)[] = [];
  const start = async (prepare: Preparation) => {
    try {
      stops.push(await startOne(await prepare(giveUp), giveUp, options.log));
    } catch (error) {
      failing.abort(error);
    }
  };
  await Promise.all(wanted.map(start));
  const stopAll = async () => void (await Promise.all(stops.map((stop) => stop())));
  if (!giveUp.aborted) return stopAll;
  await stopAll();
  throw giveUp.reason;
}

async function startOne(server: PrivateServer, signal: AbortSignal, log: (line: string) => void) {
  signal.throwIfAborted();
  return supervise(server, await startServer(server, signal, log), log);
}

function privateStores(
  directory: string,
  { mariadb, redis }: PrivateStoresOptions,
  stop: () => Promise<void>,
): PrivateStores {
  let stopped: Promise<void> | undefined;
  return {
    ...(mariadb && { databaseSocket: mariadbPlaces(directory).socket }),
    ...(redis && { redisSocket: redisPlaces(directory).socket }),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
