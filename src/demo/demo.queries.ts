import type { NewMessage } from "../messages/writer.queries.ts";
import type { Queryable } from "../platform/db.ts";
import type { Suffix } from "../users/usernames.ts";

/** Rows in bulk, for a development database. */

/** Rows a statement: well below what either database takes in one packet. */
const ROWS = 500;

export interface UserRow {
  username: string;
  usernameKey: string;
  passwordHash: string;
  passwordScheme: number;
  locale: string;
  lastSeenAt: Date | null;
  createdAt: Date;
}

export interface ConversationRow {
  directKey: string;
  lastSeq: number;
  lastRev: number;
  lastMessageAt: Date;
  createdAt: Date;
}

export interface MembershipRow {
  conversationId: number;
  userId: number;
  deliveredSeq: number;
  readSeq: number;
  unreadCount: number;
  lastMessageAt: Date;
}

/** Ids of those of these keys that exist. */
export async function findUserIds(tx: Queryable, keys: string[]): Promise<Map<string, number>> {
  const rows = await tx.query<{ id: number; usernameKey: string }>(
    "SELECT id, username_key AS usernameKey FROM users WHERE username_key IN (?)",
    [keys],
  );
  return new Map(rows.map((row) => [row.usernameKey, row.id]));
}

export async function insertUsers(tx: Queryable, users: UserRow[]): Promise<void> {
  for (const some of chunks(users)) {
    await tx.writeMany(
      `INSERT INTO users (username, username_key, password_hash, password_scheme, locale, last_seen_at, created_at)
       VALUES ?`,
      [
        some.map((user) => [
          ...[user.username, user.usernameKey, user.passwordHash, user.passwordScheme],
          ...[user.locale, user.lastSeenAt, user.createdAt],
        ]),
      ],
    );
  }
}

export async function insertAllSuffixes(
  tx: Queryable,
  suffixes: (Suffix & { userId: number })[],
): Promise<void> {
  for (const some of chunks(suffixes)) {
    await tx.writeMany("INSERT INTO username_suffixes (suffix, user_id, fresh_from) VALUES ?", [
      some.map(({ suffix, userId, freshFrom }) => [suffix, userId, freshFrom]),
    ]);
  }
}

/** Inserts conversations of two and tells their ids by `direct_key`. */
export async function insertConversations(
  tx: Queryable,
  conversations: ConversationRow[],
): Promise<Map<string, number>> {
  for (const some of chunks(conversations)) {
    await tx.writeMany(
      `INSERT INTO conversations (kind, direct_key, last_seq, last_rev, last_message_at, created_at) VALUES ?`,
      [
        some.map((row) => [
          ...["direct", row.directKey, row.lastSeq, row.lastRev, row.lastMessageAt, row.createdAt],
        ]),
      ],
    );
  }
  const rows = await tx.query<{ id: number; directKey: string }>(
    "SELECT id, direct_key AS directKey FROM conversations WHERE direct_key IN (?)",
    [conversations.map((row) => row.directKey)],
  );
  return new Map(rows.map((row) => [row.directKey, row.id]));
}

export async function insertMembershipRows(tx: Queryable, memberships: MembershipRow[]): Promise<void> {
  for (const some of chunks(memberships)) {
    await tx.writeMany(
      `INSERT INTO memberships
         (conversation_id, user_id, delivered_seq, read_seq, unread_count, last_message_at) VALUES ?`,
      [
        some.map((row) => [
          ...[row.conversationId, row.userId, row.deliveredSeq, row.readSeq],
          ...[row.unreadCount, row.lastMessageAt],
        ]),
      ],
    );
  }
}

/** A message of before now. */
export interface PastMessage extends NewMessage {
  createdAt: Date;
}

export async function insertPastMessages(tx: Queryable, messages: PastMessage[]): Promise<void> {
  for (const some of chunks(messages)) {
    await tx.writeMany(
      `INSERT INTO messages (conversation_id, seq, sender_id, client_id, text_hash, message, created_at, rev)
       VALUES ?`,
      [
        some.map((message) => [
          ...[message.conversationId, message.seq, message.senderId, message.clientId],
          ...[message.textHash, message.message, message.createdAt, message.rev],
        ]),
      ],
    );
  }
}

/** The pieces in which many rows go to the database. */
function chunks<Row>(rows: Row[]): Row[][] {
  const count = Math.ceil(rows.length / ROWS);
  return Array.from({ length: count }, (_none, index) => rows.slice(index * ROWS, (index + 1) * ROWS));
}
