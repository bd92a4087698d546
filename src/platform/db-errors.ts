import { DeadlineExceeded } from "./deadline.ts";

/** What the database's errors mean to whoever asked it. */

/** The answer to COMMIT never came: what was written may or may not be stored. */
export class CommitUnknown extends Error {
  override name = "CommitUnknown";
}

/** True for what the server answered to a statement; everything else says nothing of what became of it. */
export function isServersWord(error: unknown): boolean {
  return error instanceof Error && "sqlState" in error && typeof error.sqlState === "string";
}

/** The code of an error, such as ER_DUP_ENTRY; empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** True for a transaction that was rolled back for another's sake and may simply be run again. */
export function isDeadlock(error: unknown): boolean {
  return ["ER_LOCK_DEADLOCK", "ER_LOCK_WAIT_TIMEOUT", "ER_CHECKREAD"].includes(codeOf(error));
}

export function isDuplicate(error: unknown): boolean {
  return codeOf(error) === "ER_DUP_ENTRY";
}

export function isNullRefused(error: unknown): boolean {
  return codeOf(error) === "ER_BAD_NULL_ERROR";
}

export function isUnknownDatabase(error: unknown): boolean {
  return codeOf(error) === "ER_BAD_DB_ERROR";
}

const UNAVAILABLE_CODES = new Set([
  ...[
    "PROTOCOL_CONNECTION_LOST",
    "PROTOCOL_PACKETS_OUT_OF_ORDER",
    "POOL_CLOSED",
    "ECONNREFUSED",
    "ECONNRESET",
  ],
  ...["EPIPE", "ENOENT", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"],
  ...["ER_SERVER_SHUTDOWN", "ER_NORMAL_SHUTDOWN", "ER_CON_COUNT_ERROR", "ER_TOO_MANY_USER_CONNECTIONS"],
  ...["ER_QUERY_INTERRUPTED", "ER_NEW_ABORTING_CONNECTION", "ER_CONNECTION_KILLED"],
]);

/** Of a connection that was ended from elsewhere, which the driver has no names for: MariaDB's and MySQL's. */
const KILLED_NUMBERS = new Set([1927, 3169, 4031]);

/** True when the database could not be reached or stopped answering: the connection is of no more use. */
export function isUnavailable(error: unknown): boolean {
  return (
    error instanceof DeadlineExceeded ||
    UNAVAILABLE_CODES.has(codeOf(error)) ||
    (error instanceof Error && "errno" in error && KILLED_NUMBERS.has(Number(error.errno))) ||
    (error instanceof Error && /closed state|Pool is closed/.test(error.message))
  );
}

const CANNOT_WRITE_CODES = new Set([
  ...["ER_DISK_FULL", "ER_RECORD_FILE_FULL", "ER_ERROR_ON_WRITE", "ER_OUT_OF_RESOURCES", "ER_OUTOFMEMORY"],
  ...["ER_OPTION_PREVENTS_STATEMENT", "ER_READ_ONLY_MODE", "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION"],
]);

/** True when the database answers but cannot store anything now: disk full, read only. */
export function isReadOnly(error: unknown): boolean {
  return CANNOT_WRITE_CODES.has(codeOf(error));
}

const DEADLOCK_RETRIES = 10;
const RETRY_MS = 4000;

/** Runs something again while it is rolled back for another's sake, within 4 s. @throws whatever it throws else */
export async function retryingDeadlocks<T>(work: () => Promise<T>): Promise<T> {
  const since = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const isInTime = attempt <= DEADLOCK_RETRIES && performance.now() - since < RETRY_MS;
      if (!isDeadlock(error) || !isInTime) throw error;
    }
  }
}
