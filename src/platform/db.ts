import mysql, {
  type Pool,
  type PoolConnection,
  type QueryError,
  type ResultSetHeader,
  type RowDataPacket,
} from "mysql2";
import {
  CommitUnknown,
  codeOf,
  isDeadlock,
  isServersWord,
  isUnavailable,
  retryingDeadlocks,
} from "./db-errors.ts";
import { withDeadline } from "./deadline.ts";

/** What a statement may be given; lists only where `query` expands them. */
export type Value = string | number | boolean | Date | Buffer | null | readonly Value[];

/** Something statements can be run on: the pool, or one transaction. */
export interface Queryable {
  /** Runs a prepared statement; for text that is always the same. Numbers are exact up to 2^53. */
  execute<Row extends object>(sql: string, values?: readonly Value[]): Promise<Row[]>;
  /** Runs a statement whose lists (`IN (?)`, `VALUES ?`) are expanded and escaped by the driver. */
  query<Row extends object>(sql: string, values?: readonly Value[]): Promise<Row[]>;
  /** Runs a statement that writes, prepared, and tells what it did. */
  write(sql: string, values?: readonly Value[]): Promise<ResultSetHeader>;
  /** Like `write`, with lists expanded. */
  writeMany(sql: string, values?: readonly Value[]): Promise<ResultSetHeader>;
}

/** A statement with what stands in its question marks, lists expanded. */
export interface Statement {
  sql: string;
  values: readonly Value[];
}

/** A transaction that is short on the wire: each way to the database and back costs a batch its time. */
export interface ShortTransaction extends Queryable {
  /** Begins, and runs statements in the same go. @returns the rows that each of them read */
  begin<Rows extends object[]>(statements: readonly Statement[]): Promise<{ [K in keyof Rows]: Rows[K][] }>;
  /**
   * Runs statements and then COMMIT in one go, and all that `begin` does as well where it was not called. The first that
   * fails ends it: nothing after it ran, and the transaction stands open as it was before that statement.
   *
   * @returns the rows that each of them read, none for those that write
   * @throws CommitUnknown when the connection was lost meanwhile
   */
  finish<Row extends object>(statements: readonly Statement[]): Promise<Row[][]>;
}

export interface Database extends Queryable {
  /**
   * Runs `work` in one READ COMMITTED transaction; once more where it was rolled back for another's sake.
   *
   * @throws CommitUnknown when the connection was lost while committing: it may or may not be stored
   * @throws whatever `work` throws, after rolling back
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * The same in two ways to the database and back, or in one: START TRANSACTION rides with the first statements, which
   * `work` gives to `begin`, or to `finish` at once, and COMMIT with the last ones, which it gives to `finish`.
   */
  shortTransaction<T>(work: (tx: ShortTransaction) => Promise<T>): Promise<T>;
}

const CONNECT_TIMEOUT_MS = 2000;
const ACQUIRE_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 2500;
/** Below the statement's own deadline, so that a lock that is held too long is named as such. */
const LOCK_WAIT_TIMEOUT_S = 2;

/** Strict, and with backslashes as the driver writes them, whatever the server's own mode is. */
const SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

let pool: Pool | undefined;
/** Only its connections take several statements at once, and only `shortTransaction` gives them any. */
let shortPool: Pool | undefined;
/** One batch runs at a time; one more for a new one while a lost one is given up. */
const SHORT_CONNECTIONS = 2;

/** Makes the pool; connects only when first used. `url` is `mysql://user:password@host:port/database`. */
export function openDatabase(url: string, connections: number): void {
  pool = createPool(url, connections);
  shortPool = createPool(url, Math.min(connections, SHORT_CONNECTIONS), true);
}

function createPool(url: string, connections: number, multipleStatements = false): Pool {
  const made = mysql.createPool({
    uri: url,
    connectionLimit: connections,
    maxIdle: connections,
    connectTimeout: CONNECT_TIMEOUT_MS,
    charset: "utf8mb4_unicode_520_ci",
    timezone: "Z",
    multipleStatements,
  });
  made.on("connection", (connection) => {
    // Statements of one connection run in order, so these are in force before its first user's.
    connection.query(
      `SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_TIMEOUT_S},
         SESSION sql_mode = '${SQL_MODE}'`,
    );
    connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  });
  return made;
}

/** Ends every connection after what runs on it. */
export async function closeDatabase(): Promise<void> {
  await Promise.all([pool, shortPool].map((each) => each && end(each)));
  pool = undefined;
  shortPool = undefined;
}

function end(each: Pool): Promise<void> {
  return new Promise((resolve, reject) => each.end((error) => (error ? reject(error) : resolve())));
}

/** The app's database. */
export const db: Database = {
  ...queryable((run) => withConnection(pool, run)),
  transaction: (work) =>
    retryingDeadlocks(() => withConnection(pool, (connection) => inTransaction(connection, work))),
  shortTransaction: (work) => withConnection(shortPool, (connection) => inShortTransaction(connection, work)),
};

type Use = <T>(run: (connection: PoolConnection) => Promise<T>) => Promise<T>;

function queryable(use: Use): Queryable {
  return {
    execute: async (sql, values) => rowsOf(await use((c) => read(c, sql, values, true))),
    query: async (sql, values) => rowsOf(await use((c) => read(c, sql, values, false))),
    write: (sql, values) => use((c) => write(c, sql, values, true)),
    writeMany: (sql, values) => use((c) => write(c, sql, values, false)),
  };
}

/** The one place where the database's word is taken for the shape of its rows. */
function rowsOf<Row extends object>(rows: object[]): Row[] {
  return rows as Row[];
}

/** The same for the rows of several statements. */
function resultsOf<Rows extends object[]>(results: object[][]): { [K in keyof Rows]: Rows[K][] } {
  return results as { [K in keyof Rows]: Rows[K][] };
}

type Run<T> = (done: (error: QueryError | null, result: T) => void) => void;

/** The driver's own promises would note a stack for every statement. */
function answer<T>(run: Run<T>): Promise<T> {
  const statement = new Promise<T>((resolve, reject) => {
    run((error, result) => (error ? reject(error) : resolve(result)));
  });
  return withDeadline(statement, STATEMENT_TIMEOUT_MS, "the database");
}

type Values = readonly Value[] | undefined;

function read(on: PoolConnection, sql: string, values: Values = [], isPrepared: boolean) {
  return answer<RowDataPacket[]>((done) =>
    isPrepared ? on.execute(sql, single(values), done) : on.query(sql, [...values], done),
  );
}

function write(on: PoolConnection, sql: string, values: Values = [], isPrepared: boolean) {
  return answer<ResultSetHeader>((done) =>
    isPrepared ? on.execute(sql, single(values), done) : on.query(sql, [...values], done),
  );
}

const command = (on: PoolConnection, sql: string) => answer<ResultSetHeader>((done) => on.query(sql, done));

/** Guards prepared statements against lists, which would silently find nothing. */
function single(values: readonly Value[]): Exclude<Value, readonly Value[]>[] {
  return values.map((value) => {
    if (isList(value)) throw new TypeError("a prepared statement takes no lists");
    return value;
  });
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

async function withConnection<T>(
  from: Pool | undefined,
  run: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const connection = await acquire(from);
  try {
    return await run(connection);
  } catch (error) {
    // A connection that did not answer may answer later, to somebody else's question.
    if (isUnavailable(error) || error instanceof CommitUnknown) connection.destroy();
    throw error;
  } finally {
    connection.release();
  }
}

async function acquire(from: Pool | undefined): Promise<PoolConnection> {
  if (!from) throw new Error("Pool is closed.");
  const pending = new Promise<PoolConnection>((resolve, reject) => {
    from.getConnection((error, connection) => (error ? reject(error) : resolve(connection)));
  });
  try {
    return await withDeadline(pending, ACQUIRE_TIMEOUT_MS, "a database connection");
  } catch (error) {
    pending.then((late) => late.release()).catch(() => undefined);
    throw error;
  }
}

async function inTransaction<T>(connection: PoolConnection, work: (tx: Queryable) => Promise<T>): Promise<T> {
  await command(connection, "START TRANSACTION");
  let result: T;
  try {
    result = await work(queryable((run) => run(connection)));
  } catch (error) {
    if (!isUnavailable(error)) await command(connection, "ROLLBACK").catch(() => connection.destroy());
    throw error;
  }
  try {
    await command(connection, "COMMIT");
  } catch (error) {
    throw isDeadlock(error) ? error : new CommitUnknown("no answer to COMMIT", { cause: error });
  }
  return result;
}

const START: Statement = { sql: "START TRANSACTION", values: [] };

async function inShortTransaction<T>(
  connection: PoolConnection,
  work: (tx: ShortTransaction) => Promise<T>,
): Promise<T> {
  const inside = queryable((run) => run(connection));
  let isOpen = false;
  const begin: ShortTransaction["begin"] = async (statements) => {
    isOpen = true;
    const [, ...outcomes] = await runAll(connection, [START, ...statements]);
    return resultsOf(outcomes);
  };
  const finish: ShortTransaction["finish"] = async (statements) => {
    const start = isOpen ? [] : [START];
    isOpen = true;
    const outcomes = await commitWith(connection, [...start, ...statements]);
    isOpen = false;
    return outcomes.slice(start.length).map((rows) => rowsOf(Array.isArray(rows) ? rows : []));
  };
  try {
    return await work({ ...inside, begin, finish });
  } catch (error) {
    if (isUnavailable(error) || error instanceof CommitUnknown) isOpen = false;
    throw error;
  } finally {
    if (isOpen) await command(connection, "ROLLBACK").catch(() => connection.destroy());
  }
}

function runAll(connection: PoolConnection, statements: readonly Statement[]): Promise<RowDataPacket[][]> {
  const sql = statements.map((statement) => statement.sql).join("; ");
  const values = statements.flatMap((statement) => statement.values);
  return answer((done) => connection.query(sql, values, done));
}

/** Runs statements and COMMIT in one go; the server stops at the first that fails. */
async function commitWith(connection: PoolConnection, statements: readonly Statement[]): Promise<object[]> {
  try {
    const outcomes = await runAll(connection, [...statements, { sql: "COMMIT", values: [] }]);
    return outcomes.slice(0, -1);
  } catch (error) {
    if (isServersWord(error) && !isUnavailable(error) && codeOf(error) !== "ER_ERROR_DURING_COMMIT")
      throw error;
    throw new CommitUnknown("no answer to COMMIT", { cause: error });
  }
}
