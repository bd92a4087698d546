import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";

/** What a restore asks of the database, on a connection of its own. */

export function openConnection(uri: string): Promise<Connection> {
  return mysql.createConnection({ uri });
}

/** Whether anybody has an account. */
export async function hasPeople(connection: Connection): Promise<boolean> {
  if (!(await tablesOf(connection, await currentDatabase(connection))).includes("users")) return false;
  const [people] = await connection.query<RowDataPacket[]>("SELECT 1 FROM users LIMIT 1");
  return people.length > 0;
}

/** Makes an empty database, without whatever stood under that name. */
export async function makeEmpty(connection: Connection, name: string): Promise<void> {
  await dropDatabase(connection, name);
  await connection.query("CREATE DATABASE ?? CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci", [name]);
}

export async function dropDatabase(connection: Connection, name: string): Promise<void> {
  await connection.query("DROP DATABASE IF EXISTS ??", [name]);
}

/** Puts every table of `fresh` in the place of all tables of the connection's database, in one step. */
export async function changePlaces(connection: Connection, fresh: string): Promise<void> {
  const live = await currentDatabase(connection);
  const out = (await tablesOf(connection, live)).map((table) => [live, table, fresh, `replaced_${table}`]);
  const into = (await tablesOf(connection, fresh)).map((table) => [fresh, table, live, table]);
  const moves = [...out, ...into];
  await connection.query(`RENAME TABLE ${moves.map(() => "??.?? TO ??.??").join(", ")}`, moves.flat());
}

async function currentDatabase(connection: Connection): Promise<string> {
  const [[row]] = await connection.query<RowDataPacket[]>("SELECT DATABASE() AS name");
  return String(row?.name);
}

async function tablesOf(connection: Connection, database: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'",
    [database],
  );
  return rows.map((row) => String(row.name));
}
