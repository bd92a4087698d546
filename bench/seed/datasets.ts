import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { hashPassword } from "../../src/auth/passwords.ts";
import { makeEmpty } from "../../src/backup/restore.queries.ts";
import { configure } from "../../src/platform/config.ts";
import {
  databaseUrlOf,
  type PrivateStores,
  startPrivateStores,
} from "../../src/platform/embedded/embedded.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { StartError } from "../../src/platform/start-error.ts";
import { fill } from "./fill.ts";
import { bytesOf, connectForLoading, refreshStatistics } from "./seed.queries.ts";
import { RECIPE, type Size } from "./sizes.ts";

/** Datasets in private stores of their own, kept from run to run because making them takes minutes. */

/** Of everybody in every dataset. */
export const PASSWORD = "password of everybody here";

/** Settings that an app needs to let these people in. */
export const SECRETS = {
  SESSION_SECRET: "signs the bench's sessions and no others",
  PASSWORD_KEY: "keys the passwords of the bench's people",
};

/** What the disk has to hold for a message while a dataset is made: tables, indexes, and files for sorting them. */
const BYTES_A_MESSAGE = 800;
const BYTES_BESIDE = 1_000_000_000;

const markerSchema = z.object({ recipe: z.number(), seconds: z.number(), megabytes: z.number() });
type Marker = z.infer<typeof markerSchema>;

/** The folder of the datasets: `bench/.data`, or where BENCH_DATA says. */
export function dataFolder(): string {
  return process.env.BENCH_DATA ?? new URL("../.data", import.meta.url).pathname;
}

/** Starts the stores of the datasets. @throws StartError */
export function startDataStores(): Promise<PrivateStores> {
  const directory = dataFolder();
  mkdirSync(directory, { recursive: true });
  return startPrivateStores({ directory, mariadb: true, redis: true, log: console.log });
}

/** The address of a dataset's database. */
export function datasetUrl(stores: PrivateStores, { name }: Size): string {
  return databaseUrlOf(stores, databaseName(name));
}

/** Makes a dataset unless it is there from an earlier run, and tells how long that took and how large it is. */
export async function ensureDataset(stores: PrivateStores, size: Size): Promise<Marker> {
  const kept = readMarker(size);
  if (kept) return kept;
  refuseWithoutSpace(size);
  rmSync(markerFile(size), { force: true });
  const since = performance.now();
  const bytes = await make(stores, size);
  const seconds = Math.round((performance.now() - since) / 1000);
  const marker = { recipe: RECIPE, seconds, megabytes: Math.round(bytes / 1e6) };
  writeFileSync(markerFile(size), `${JSON.stringify(marker)}\n`);
  return marker;
}

const databaseName = (name: string) => `causerie_${name}`;
const markerFile = ({ name }: Size) => join(dataFolder(), `${name}.json`);

/** Only a dataset that was finished, of today's recipe, has one that counts. */
function readMarker(size: Size): Marker | null {
  try {
    const marker = markerSchema.parse(JSON.parse(readFileSync(markerFile(size), "utf8")));
    return marker.recipe === RECIPE ? marker : null;
  } catch {
    return null;
  }
}

function refuseWithoutSpace({ name, messages }: Size): void {
  const { bavail, bsize } = statfsSync(dataFolder());
  const needed = messages * BYTES_A_MESSAGE + BYTES_BESIDE;
  if (bavail * bsize > needed) return;
  const gigabytes = Math.ceil(needed / 1e9);
  throw new StartError(
    `The ${name} dataset needs ${gigabytes} GB of free disk: make room, or set BENCH_DATA to another folder.`,
  );
}

/** @returns bytes of its tables and indexes */
async function make(stores: PrivateStores, size: Size): Promise<number> {
  configure({ ...SECRETS, DATA_DIR: dataFolder() });
  const server = await connectForLoading(databaseUrlOf(stores, ""));
  await makeEmpty(server, databaseName(size.name));
  await server.end();
  await migrate(datasetUrl(stores, size));
  const connection = await connectForLoading(datasetUrl(stores, size));
  try {
    await fill(connection, size, await hashPassword(PASSWORD));
    await refreshStatistics(connection);
    return await bytesOf(connection);
  } finally {
    await connection.end();
  }
}
