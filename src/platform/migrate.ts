import { readdir, readFile } from "node:fs/promises";
import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";
import { isUnknownDatabase } from "./db-errors.ts";
import { log } from "./log.ts";
import { StartError } from "./start-error.ts";

const LOCK_WAIT_S = 60;
const CONNECT_TIMEOUT_MS = 10_000;
const FOLDER = new URL("../../sql/migrations/", import.meta.url);

/**
 * Brings the database of `url` up to the newest migration, creating it when it does not exist. Nodes that
 * start together wait for each other. Migrations only go forward; each file runs once.
 *
 * @throws StartError when the database cannot be reached or refuses us
 * @throws Error when another node holds the lock for over a minute, or a statement fails
 */
export async function migrate(url: string): Promise<void> {
  const connection = await connectCreating(url);
  try {
    await connection.query("SET SESSION time_zone = '+00:00'");
    await locked(connection, () => applyMissing(connection));
  } finally {
    await connection.end();
  }
}

async function connectCreating(url: string): Promise<Connection> {
  await ensureDatabase(url);
  return connect(url);
}

/** Creates the database of `url` when it does not exist. @throws StartError when it cannot be reached */
export async function ensureDatabase(url: string): Promise<void> {
  try {
    await (await connect(url)).end();
    return;
  } catch (error) {
    if (!isUnknownDatabase(error)) throw unusable(error);
  }
  const server = new URL(url);
  const name = decodeURIComponent(server.pathname.slice(1));
  server.pathname = "/";
  const connection = await connect(server.href);
  await connection.query(
    "CREATE DATABASE IF NOT EXISTS ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci",
    [name],
  );
  await connection.end();
}

function unusable(error: unknown): StartError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = (error instanceof Error && error.message) || code;
  return new StartError(`Cannot use the database (${reason}): start it, or correct DATABASE_URL.`);
}

/** The driver writes what it reads from the address into the options it is given, so each call makes its own. */
function connect(uri: string): Promise<Connection> {
  return mysql.createConnection({
    uri,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: "utf8mb4_unicode_520_ci",
  });
}

async function locked(connection: Connection, work: () => Promise<void>): Promise<void> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    "SELECT GET_LOCK(CONCAT('causerie:', LEFT(DATABASE(), 50)), ?) AS held",
    [LOCK_WAIT_S],
  );
  if (Number(row?.held) !== 1) throw new Error("another node is still migrating the database");
  await work();
  await connection.query("SELECT RELEASE_LOCK(CONCAT('causerie:', LEFT(DATABASE(), 50)))");
}

async function applyMissing(connection: Connection): Promise<void> {
  await connection.query(
    "CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(100) NOT NULL PRIMARY KEY, applied_at DATETIME(3) NOT NULL)",
  );
  const [rows] = await connection.query<RowDataPacket[]>("SELECT name FROM schema_migrations");
  const applied = new Set(rows.map((row) => String(row.name)));
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".sql")).sort();
  for (const file of files.filter((name) => !applied.has(name))) {
    for (const statement of statementsOf(await readFile(new URL(file, FOLDER), "utf8")))
      await connection.query(statement);
    await connection.query("INSERT INTO schema_migrations (name, applied_at) VALUES (?, UTC_TIMESTAMP(3))", [
      file,
    ]);
    log.info({ migration: file }, "database migrated");
  }
}

/** Migrations end each statement with a semicolon at a line's end; no statement holds one elsewhere. */
function statementsOf(text: string): string[] {
  const withoutComments = text.replace(/^--.*$/gm, "");
  return withoutComments.split(/;\s*$/m).filter((statement) => statement.trim() !== "");
}
