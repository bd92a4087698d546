import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "../start-error.ts";

// The system holds 107 bytes of a Unix socket's path on Linux and 103 on macOS.
const MAX_SOCKET_PATH_BYTES = 100;
const LONGEST_SOCKET_NAME = "mariadb.sock";

/**
 * Creates the data folder if it is missing and returns its real, absolute path.
 * Throws StartError if it cannot be used.
 */
export function prepareDataFolder(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return realpathSync(directory);
  } catch (error) {
    throw folderError(directory, error);
  }
}

/** A failed file operation in the data folder as one line for the operator; other errors as they are. */
export function folderError(directory: string, error: unknown): unknown {
  if (error instanceof StartError || codeOf(error) === undefined) return error;
  return new StartError(
    `The data folder ${directory} cannot be used: ${reasonOf(error)}. ` +
      "Put that right, or set DATA_DIR to another folder.",
  );
}

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case "EEXIST":
    case "ENOTDIR":
      return "there is a file in its place";
    case "EACCES":
    case "EPERM":
      return "this user may not write there";
    case "EROFS":
      return "its disk is read-only";
    case "ENOSPC":
    case "EDQUOT":
      return "its disk is full";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Where the servers' sockets are: in the data folder, or, when its path is too long for a socket,
 * in a short folder whose name follows from the data folder's, so that a later start finds it again.
 */
export function socketFolder(directory: string): string {
  const name = `causerie-${createHash("sha256").update(directory).digest("hex").slice(0, 16)}`;
  const candidates = [join(directory, "run"), join(tmpdir(), name), join("/tmp", name)];
  return candidates.find(isShortEnough) ?? join("/tmp", name);
}

function isShortEnough(folder: string): boolean {
  return Buffer.byteLength(join(folder, LONGEST_SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES;
}

/**
 * Creates a folder that only this user can enter, or makes sure that an existing one is that:
 * whoever reaches the database's socket is its root, and anybody may create a name in /tmp.
 * Throws StartError for a folder of somebody else, or one in which others could have left something.
 */
export function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    refuseForeign(folder);
    chmodSync(folder, 0o700);
  }
}

function refuseForeign(folder: string): void {
  const { uid, mode } = lstatSync(folder);
  const isOurs = uid === process.getuid?.() && (mode & constants.S_IFMT) === constants.S_IFDIR;
  if (isOurs && (mode & 0o022) === 0) return;
  throw new StartError(
    `${folder} belongs to another user or is open to others: ` +
      "start Causerie as the user that owns it, or remove it.",
  );
}
