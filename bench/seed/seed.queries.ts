import { Readable } from "node:stream";
import mysql, { type Connection, type RowDataPacket } from "mysql2/promise";

/** Rows by the million, into tables that are empty. */

/** A cell: text, a number, or NULL. */
export type Cell = string | number | null;

interface Load {
  table: string;
  /** Columns of the table; of those in `hex` the cells are hexadecimal digits. */
  columns: string[];
  hex?: string[];
}

const LOADS = {
  users: {
    table: "users",
    columns: [
      ...["id", "username", "username_key", "password_hash", "password_scheme", "locale"],
      ...["last_seen_at", "created_at"],
    ],
  },
  suffixes: { table: "username_suffixes", columns: ["suffix", "user_id", "fresh_from"] },
  conversations: {
    table: "conversations",
    columns: ["id", "kind", "direct_key", "last_seq", "last_rev", "last_message_at", "created_at"],
  },
  memberships: {
    table: "memberships",
    columns: [
      ...["conversation_id", "user_id", "delivered_seq", "read_seq", "unread_count", "last_message_at"],
    ],
  },
  messages: {
    table: "messages",
    columns: [
      ...["conversation_id", "seq", "id", "sender_id", "client_id", "text_hash", "message"],
      ...["created_at", "rev"],
    ],
    hex: ["client_id", "text_hash"],
  },
} satisfies Record<string, Load>;

const TABLES = Object.values(LOADS).map(({ table }) => table);

/** Pieces in which rows go over the socket. */
const PIECE_CHARACTERS = 1 << 18;

/** A connection that takes files from us and checks nothing twice: what is loaded is right already. */
export async function connectForLoading(uri: string): Promise<Connection> {
  const connection = await mysql.createConnection({ uri, charset: "utf8mb4_unicode_520_ci", timezone: "Z" });
  await connection.query("SET GLOBAL local_infile = ON");
  await connection.query(
    "SET SESSION time_zone = '+00:00', SESSION unique_checks = 0, SESSION foreign_key_checks = 0",
  );
  return connection;
}

/** Loads rows, whose cells stand in the order of the columns above; in the order of the primary key it is quickest. */
export async function loadRows(
  connection: Connection,
  name: keyof typeof LOADS,
  rows: Iterable<Cell[]>,
): Promise<void> {
  const { table, columns, hex = [] }: Load = LOADS[name];
  const targets = columns.map((column) => (hex.includes(column) ? `@${column}` : column));
  const unhexed = hex.map((column) => `${column} = UNHEX(@${column})`);
  const sql = `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${table} CHARACTER SET utf8mb4 (${targets.join(", ")})`;
  await connection.query({
    sql: unhexed.length > 0 ? `${sql} SET ${unhexed.join(", ")}` : sql,
    infileStreamFactory: () => Readable.from(piecesOf(rows), { objectMode: false }),
  });
}

/** Lets the database count anew what it chooses its plans by. */
export async function refreshStatistics(connection: Connection): Promise<void> {
  await connection.query(`ANALYZE TABLE ${TABLES.join(", ")}`);
}

/** Bytes of all tables and their indexes. */
export async function bytesOf(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    `SELECT SUM(data_length + index_length) AS bytes FROM information_schema.tables
     WHERE table_schema = DATABASE()`,
  );
  return Number(row?.bytes);
}

function* piecesOf(rows: Iterable<Cell[]>): Generator<string> {
  let piece = "";
  for (const row of rows) {
    piece += `${row.map(cellText).join("\t")}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function cellText(cell: Cell): string {
  if (cell === null) return "\\N";
  if (typeof cell === "number") return String(cell);
  return /[\\\t\n]/.test(cell) ? cell.replace(/[\\\t\n]/g, (sign) => `\\${sign}`) : cell;
}
