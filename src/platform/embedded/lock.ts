import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../start-error.ts";
import { codeOf } from "./folders.ts";
import { findProcess, isRunning } from "./processes.ts";

/**
 * Takes the data folder for this process and returns what gives it back.
 * Throws StartError when a running Causerie has it; what a dead one left behind is no obstacle.
 *
 * The lock is the folder `lock` with one file in it, named after its holder. A claim is prepared
 * beside it and renamed over it, which the system does only while `lock` is missing or empty, and
 * for one claimant only. Clearing a dead holder removes a file by a name that nobody else can have,
 * so a slow claimant can never throw out the one who was faster.
 */
export function lockDirectory(directory: string): () => void {
  const lock = join(directory, "lock");
  const name = claimName();
  const claim = join(directory, `lock.${name}`);
  try {
    mkdirSync(claim, { mode: 0o700 });
    writeFileSync(join(claim, name), "");
    while (!renameOver(claim, lock)) clearDeadHolders(lock);
  } catch (error) {
    rmSync(claim, { recursive: true, force: true });
    throw error;
  }
  clearDeadClaims(directory);
  return () => release(lock, name);
}

function claimName(): string {
  const startedAt = findProcess(process.pid)?.startedAt ?? "";
  return `${process.pid}-${startedAt}-${randomBytes(4).toString("hex")}`;
}

function renameOver(claim: string, lock: string): boolean {
  try {
    renameSync(claim, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function clearDeadHolders(lock: string): void {
  for (const name of list(lock)) {
    if (isHeldByLiving(name)) throw alreadyRunning(name);
    rmSync(join(lock, name), { force: true });
  }
}

function clearDeadClaims(directory: string): void {
  const claims = list(directory).filter((name) => name.startsWith("lock."));
  for (const claim of claims.filter((name) => !isHeldByLiving(name.slice("lock.".length)))) {
    rmSync(join(directory, claim), { recursive: true, force: true });
  }
}

function isHeldByLiving(name: string): boolean {
  const [pid, startedAt] = name.split("-");
  return isRunning({ pid: Number(pid), startedAt: startedAt ?? "" });
}

function alreadyRunning(name: string): StartError {
  return new StartError(
    `Causerie is already running with this data folder (process ${name.split("-")[0]}). ` +
      "Stop it first, or set DATA_DIR to another folder.",
  );
}

function release(lock: string, name: string): void {
  try {
    rmSync(join(lock, name), { force: true });
    rmdirSync(lock);
  } catch {
    // The next holder may have taken it already, or the whole folder is gone: released either way.
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
