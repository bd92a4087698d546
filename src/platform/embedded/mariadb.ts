import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { StartError } from "../start-error.ts";
import { runCommand } from "./commands.ts";
import { socketFolder } from "./folders.ts";
import { firstWords } from "./probe.ts";
import { findProgram, plainEnvironment, type WantedProgram } from "./programs.ts";
import type { PrivateServer } from "./server.ts";

const DATA = "mariadb";
const NEW_DATA = "mariadb.new-";
const INSTALL_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 20_000;
const CACHE_SHARE = 8;
const CACHE_MIN_MB = 128;
const CACHE_MAX_MB = 2048;
// mariadbd keeps file names in 512 bytes, its folder's path included.
const MAX_DIRECTORY_BYTES = 400;
// The protocol's version, the first byte of a greeting; 255 would be an error.
const GREETING = 10;

/** Debian has the installer's helper my_print_defaults in the clients' package. */
export const MARIADB_PROGRAMS: WantedProgram[] = [
  { program: "mariadbd", package: "mariadb-server-core" },
  { program: "mariadb-install-db", package: "mariadb-server-core" },
  { program: "my_print_defaults", package: "mariadb-client-core" },
];

/** Where MariaDB's files are that tell whether it runs. */
export function mariadbPlaces(directory: string) {
  return {
    socket: join(socketFolder(directory), "mariadb.sock"),
    pidFile: join(directory, "run", "mariadb.pid"),
    endTimeoutMs: END_TIMEOUT_MS,
  };
}

/**
 * The private MariaDB server of a data folder; its programs must be installed. On the first start
 * its system tables are made. Throws StartError when that fails.
 */
export async function prepareMariadb(directory: string, signal: AbortSignal): Promise<PrivateServer> {
  if (Buffer.byteLength(directory) > MAX_DIRECTORY_BYTES) throw tooLong(directory);
  const places = mariadbPlaces(directory);
  const logFile = join(directory, "mariadb.log");
  await installOnce(directory, logFile, signal);
  return {
    name: "MariaDB",
    program: findProgram("mariadbd") ?? "mariadbd",
    args: serverArguments(places.socket),
    folder: directory,
    logFile,
    ...places,
    isReady: greets,
  };
}

// It takes connections before it serves them, so only its greeting tells that it is ready.
async function greets(socket: string, signal: AbortSignal): Promise<boolean> {
  const words = await firstWords(socket, signal);
  return words?.[4] === GREETING;
}

// A server that starts removes temporary tables that it takes for its own, and in /tmp they may be another's. The
// path is relative to the folder of the tables, where the server works.
const TEMPORARY_ARGUMENT = "--tmpdir=../run";

// Paths are relative to the data folder, which may be long; without "./" they would be to /usr.
function serverArguments(socket: string): string[] {
  return [
    "--no-defaults",
    `--datadir=./${DATA}`,
    TEMPORARY_ARGUMENT,
    `--socket=${socket}`,
    "--pid-file=mariadbd.pid",
    "--skip-networking",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--local-infile=OFF",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_520_ci",
    "--default-time-zone=+00:00",
    // What is acknowledged is on the disk.
    "--innodb-flush-log-at-trx-commit=1",
    // Its own cache instead of the system's as well; loose, as newer versions name this otherwise.
    "--loose-innodb-flush-method=O_DIRECT",
    `--innodb-buffer-pool-size=${cacheMegabytes()}M`,
    "--aria-pagecache-buffer-size=16M",
    "--key-buffer-size=1M",
    "--performance-schema=OFF",
    "--max-connections=100",
    ...(process.getuid?.() === 0 ? ["--user=root"] : []),
  ];
}

// A share of a machine that does other things too, taken as it is needed. Beyond the least it decides how much of a
// long history is read from memory; the newest messages of everybody need little.
function cacheMegabytes(): number {
  // A container's limit; 0 where the system does not tell.
  const allowed = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const share = Math.min(totalmem(), allowed) / CACHE_SHARE / 2 ** 20;
  return Math.floor(Math.min(Math.max(share, CACHE_MIN_MB), CACHE_MAX_MB));
}

// Made under another name and renamed when complete, so that one cut short is made anew.
async function installOnce(directory: string, logFile: string, signal: AbortSignal): Promise<void> {
  if (existsSync(join(directory, DATA))) return;
  removeUnfinished(directory);
  const name = NEW_DATA + randomBytes(4).toString("hex");
  mkdirSync(join(directory, name), { mode: 0o700 });
  const { succeeded, output } = await runInstaller(directory, name, signal);
  appendFileSync(logFile, `${output}\n`, { mode: 0o600 });
  if (!succeeded) {
    rmSync(join(directory, name), { recursive: true, force: true });
    throw new StartError(`MariaDB could not be set up. Its log says why: ${logFile}`);
  }
  flushTree(join(directory, name));
  renameSync(join(directory, name), join(directory, DATA));
  flush(directory);
}

function removeUnfinished(directory: string): void {
  for (const name of readdirSync(directory).filter((each) => each.startsWith(NEW_DATA))) {
    rmSync(join(directory, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

// The installer is a shell script that cannot take a path with spaces, hence the relative one. No
// --user, not even as root: it would also change the owner of the system's own PAM helper.
function runInstaller(directory: string, name: string, signal: AbortSignal) {
  const args = [
    "--no-defaults",
    `--datadir=./${name}`,
    TEMPORARY_ARGUMENT,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
  ];
  return runCommand("mariadb-install-db", args, {
    cwd: directory,
    env: plainEnvironment(),
    timeoutMs: INSTALL_TIMEOUT_MS,
    killSignal: "SIGKILL",
    signal,
  });
}

// A power cut right after the first start must not leave empty system tables under a final name.
function flushTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) flushTree(path);
    else flush(path);
  }
  flush(folder);
}

function flush(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function tooLong(directory: string): StartError {
  return new StartError(
    `The path of the data folder is too long for MariaDB (over ${MAX_DIRECTORY_BYTES} bytes): ` +
      `set DATA_DIR to another folder than ${directory}`,
  );
}
