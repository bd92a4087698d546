import type { Connection, RowDataPacket } from "mysql2/promise";
import { directKey } from "../../src/conversations/conversations.queries.ts";
import { BUSY_PERSON, LONG_PARTNER } from "../seed/sizes.ts";

/** What the bench asks of a dataset's database beside the app. */

/** What the database has read so far for everybody. */
export interface Reads {
  /** Rows and entries of indexes. */
  rows: number;
  /** Pages that were not in its cache. */
  pages: number;
}

export async function readReads(connection: Connection): Promise<Reads> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Handler\\_read%' OR Variable_name = 'Innodb_buffer_pool_reads'",
  );
  const pages = rows.find(({ Variable_name }) => Variable_name === "Innodb_buffer_pool_reads");
  const total = rows.reduce((sum, { Value }) => sum + Number(Value), 0);
  return { rows: total - Number(pages?.Value), pages: Number(pages?.Value) };
}

/** The long conversation as the dataset has it: its id, and how many messages stand unread before its partner. */
export interface LongTalk {
  id: number;
  unread: number;
}

/**
 * Puts the long conversation back as it was made, without what an earlier run has added: `longest` messages, of which
 * the partner has read half.
 */
export async function restoreLongTalk(connection: Connection, longest: number): Promise<LongTalk> {
  const key = directKey(BUSY_PERSON, LONG_PARTNER);
  const [[row]] = await connection.query<RowDataPacket[]>(
    "SELECT id FROM conversations WHERE direct_key = ?",
    [key],
  );
  const id = Number(row?.id);
  await connection.query("DELETE FROM messages WHERE conversation_id = ? AND seq > ?", [id, longest]);
  await connection.query(
    `UPDATE conversations c JOIN messages m ON m.conversation_id = c.id AND m.seq = ?
     SET c.last_seq = m.seq, c.last_rev = m.rev, c.last_message_at = m.created_at WHERE c.id = ?`,
    [longest, id],
  );
  const read = Math.floor(longest / 2);
  const [[counted]] = await connection.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS unread FROM messages WHERE conversation_id = ? AND seq > ? AND sender_id <> ?",
    [id, read, LONG_PARTNER],
  );
  const unread = Number(counted?.unread);
  await connection.query(
    `UPDATE memberships b JOIN conversations c ON c.id = b.conversation_id
     SET b.delivered_seq = c.last_seq, b.read_seq = IF(b.user_id = ?, ?, c.last_seq),
         b.unread_count = IF(b.user_id = ?, ?, 0), b.last_message_at = c.last_message_at
     WHERE b.conversation_id = ?`,
    [LONG_PARTNER, read, LONG_PARTNER, unread, id],
  );
  return { id, unread };
}

/** How many messages stand in a conversation. */
export async function countMessages(connection: Connection, conversationId: number): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS messages FROM messages WHERE conversation_id = ?",
    [conversationId],
  );
  return Number(row?.messages);
}

/** In how many conversations of the busy person something is unread. */
export async function countUnreadTalks(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS talks FROM memberships WHERE user_id = ? AND unread_count > 0",
    [BUSY_PERSON],
  );
  return Number(row?.talks);
}

export async function readVersion(connection: Connection): Promise<string> {
  const [[row]] = await connection.query<RowDataPacket[]>("SELECT VERSION() AS version");
  return String(row?.version);
}
