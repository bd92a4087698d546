import assert from "node:assert/strict";
import { mock } from "node:test";
import { db, type Queryable, type Value } from "../../src/platform/db.ts";

/** What the database does for a statement: how it means to find its rows, and how many it then touches. */

/** One statement as it was run. */
export interface Statement {
  sql: string;
  values: readonly Value[];
  /** Rows that it returned, or wrote. */
  rows: number;
  /** Rows and entries of indexes that were touched for it, temporary ones included. */
  reads: number;
  /** Rows that were sorted, because no index had them in order. */
  sorted: number;
  /** Tables that are read whole, by EXPLAIN; derived ones, of a page's few rows, apart. */
  scanned: string[];
}

interface Step {
  table: string | null;
  type: string | null;
  rows: number | null;
  Extra: string | null;
}

/** An index walked in its order and left after a page is as good as a range. */
const WALK_MAX = 250;

/**
 * Runs some work in a transaction that is taken back at the end, and tells every statement of it, whether it goes
 * through `db` or through the given transaction.
 */
export async function statementsOf(work: (tx: Queryable) => Promise<unknown>): Promise<Statement[]> {
  const statements: Statement[] = [];
  const takenBack = new Error("taken back");
  const run = db.transaction(async (tx) => {
    const watched = watch(tx, statements);
    for (const way of ["execute", "query", "write", "writeMany"] as const) mock.method(db, way, watched[way]);
    try {
      await work(watched);
    } finally {
      mock.restoreAll();
    }
    throw takenBack;
  });
  await assert.rejects(run, takenBack);
  return statements;
}

function watch(tx: Queryable, statements: Statement[]): Queryable {
  async function note<T>(sql: string, values: readonly Value[], run: () => Promise<T>): Promise<T> {
    const scanned = await scansOf(tx, sql, values);
    const noise = await counters(tx);
    const before = await counters(tx);
    const result = await run();
    const after = await counters(tx);
    statements.push({
      ...{ sql, values, scanned, rows: rowsIn(result), sorted: after.sorted - before.sorted },
      // Looking at the counters is counted as well.
      reads: after.reads - before.reads - (before.reads - noise.reads),
    });
    return result;
  }
  return {
    execute: (sql, values = []) => note(sql, values, () => tx.execute(sql, values)),
    query: (sql, values = []) => note(sql, values, () => tx.query(sql, values)),
    write: (sql, values = []) => note(sql, values, () => tx.write(sql, values)),
    writeMany: (sql, values = []) => note(sql, values, () => tx.writeMany(sql, values)),
  };
}

function rowsIn(result: unknown): number {
  if (Array.isArray(result)) return result.length;
  const isHeader = typeof result === "object" && result !== null && "affectedRows" in result;
  return isHeader ? Number(result.affectedRows) : 0;
}

async function scansOf(tx: Queryable, sql: string, values: readonly Value[]): Promise<string[]> {
  if (/^\s*(INSERT INTO \w+ .*VALUES|SET @)/s.test(sql)) return [];
  const steps = await tx.query<Step>(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, values);
  return steps.flatMap(({ table, type, rows, Extra }) => {
    // Rows that came with the statement itself are read whole, as they should be.
    if (/table function/i.test(Extra ?? "")) return [];
    const isScan = type === "ALL" || (type === "index" && (rows ?? Number.POSITIVE_INFINITY) > WALK_MAX);
    return table !== null && !table.startsWith("<") && isScan ? [table] : [];
  });
}

async function counters(tx: Queryable): Promise<{ reads: number; sorted: number }> {
  const rows = await tx.query<{ Variable_name: string; Value: string }>(
    "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler\\_read%' OR Variable_name = 'Sort_rows'",
  );
  assert.ok(rows.length >= 6);
  const sorted = Number(rows.find(({ Variable_name }) => Variable_name === "Sort_rows")?.Value);
  return { reads: rows.reduce((sum, { Value }) => sum + Number(Value), 0) - sorted, sorted };
}
