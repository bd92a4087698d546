import { db, type Queryable, type Statement } from "../platform/db.ts";

/** How late at most, in seconds, a membership's `last_message_at` is told of a message; the conversation's is exact. */
export const PLACE_LAG_S = 10;

/** How far somebody got in a conversation; both only move forward. */
export interface Cursors {
  deliveredSeq: number;
  readSeq: number;
}

/** A conversation with one other person, as one of the two sees it; `id` is null before its first message. */
export interface DirectConversation {
  id: number | null;
  userId: number;
  /** Empty for a deleted account. */
  username: string;
  /** When the other was last online; null for somebody who never was. */
  lastSeenAt: Date | null;
  /** Whoever sees it. */
  ownUsername: string;
  lastSeq: number;
  lastRev: number;
  unread: number;
  own: Cursors;
  other: Cursors;
}

interface DirectRow {
  id: number | null;
  userId: number;
  username: string;
  lastSeenAt: Date | null;
  ownUsername: string;
  lastSeq: number | null;
  lastRev: number | null;
  unread: number | null;
  ownDelivered: number | null;
  ownRead: number | null;
  otherDelivered: number | null;
  otherRead: number | null;
}

const COLUMNS = `c.id, u.id AS userId, u.username, u.last_seen_at AS lastSeenAt,
  (SELECT me.username FROM users me WHERE me.id = ?) AS ownUsername, c.last_seq AS lastSeq, c.last_rev AS lastRev,
  own.unread_count AS unread, own.delivered_seq AS ownDelivered, own.read_seq AS ownRead,
  other.delivered_seq AS otherDelivered, other.read_seq AS otherRead`;

/**
 * The conversation between two people whether or not it has begun; undefined when the other does not exist. With a
 * deleted account there is only what was said.
 */
export async function findDirect(userId: number, otherId: number): Promise<DirectConversation | undefined> {
  const [row] = await db.execute<DirectRow>(
    `SELECT ${COLUMNS} FROM users u
     LEFT JOIN conversations c ON c.direct_key = ?
     LEFT JOIN memberships own ON own.conversation_id = c.id AND own.user_id = ?
     LEFT JOIN memberships other ON other.conversation_id = c.id AND other.user_id = u.id
     WHERE u.id = ? AND (u.username_key IS NOT NULL OR c.last_seq > 0)`,
    [userId, directKey(userId, otherId), userId, otherId],
  );
  return row && conversationOf(row);
}

/** A direct conversation by its id, found through the membership; undefined for a stranger. */
export async function findDirectById(
  userId: number,
  conversationId: number,
): Promise<DirectConversation | undefined> {
  const [row] = await db.execute<DirectRow>(
    `SELECT ${COLUMNS} FROM memberships own
     JOIN conversations c ON c.id = own.conversation_id AND c.kind = 'direct'
     JOIN memberships other ON other.conversation_id = own.conversation_id AND other.user_id <> own.user_id
     JOIN users u ON u.id = other.user_id
     WHERE own.conversation_id = ? AND own.user_id = ?`,
    [userId, conversationId, userId],
  );
  return row && conversationOf(row);
}

/** The smaller id first, so that both people mean the same row. */
export function directKey(userId: number, otherId: number): string {
  return `${Math.min(userId, otherId)}:${Math.max(userId, otherId)}`;
}

/** Whose conversation it is: what `directKey` made a key of. */
export function peopleOfKey(key: string): number[] {
  return key.split(":").map(Number);
}

function conversationOf(row: DirectRow): DirectConversation {
  return {
    id: row.id,
    userId: row.userId,
    username: row.username,
    lastSeenAt: row.lastSeenAt,
    ownUsername: row.ownUsername,
    lastSeq: row.lastSeq ?? 0,
    lastRev: row.lastRev ?? 0,
    unread: row.unread ?? 0,
    own: { deliveredSeq: row.ownDelivered ?? 0, readSeq: row.ownRead ?? 0 },
    other: { deliveredSeq: row.otherDelivered ?? 0, readSeq: row.otherRead ?? 0 },
  };
}

/** Ids of conversations by their `direct_key`; those that have not begun are missing. */
export async function findDirectIds(keys: string[], on: Queryable = db): Promise<Map<string, number>> {
  const rows = await on.query<{ id: number; directKey: string }>(
    "SELECT id, direct_key AS directKey FROM conversations WHERE direct_key IN (?)",
    [keys],
  );
  return new Map(rows.map(({ id, directKey: key }) => [key, id]));
}

/** A conversation's counters as they stand under its lock. */
export interface LockedConversation {
  conversationId: number;
  directKey: string;
  lastSeq: number;
  lastRev: number;
  /** One of the two has deleted their account. */
  hasEnded: 0 | 1;
}

/**
 * Locks conversations in the order of their ids, which is what keeps two batches from a deadlock. Whatever changes a
 * conversation, its memberships or whether its members exist takes this lock first.
 */
export function lockConversations(ids: number[]): Statement {
  return {
    sql: `SELECT id AS conversationId, direct_key AS directKey, last_seq AS lastSeq, last_rev AS lastRev,
                 ended_at IS NOT NULL AS hasEnded
          FROM conversations WHERE id IN (?) ORDER BY id FOR UPDATE`,
    values: [ids],
  };
}

/**
 * Makes those of these conversations that are not there yet. What is there is left as it is, by a column that is not the
 * id: MariaDB would take that for an id of one's own, and number what follows by it.
 */
export async function insertDirects(tx: Queryable, keys: string[]): Promise<void> {
  await tx.writeMany(
    `INSERT INTO conversations (kind, direct_key, created_at)
     VALUES ${keys.map(() => "('direct', ?, UTC_TIMESTAMP(3))").join(", ")} ON DUPLICATE KEY UPDATE kind = kind`,
    keys,
  );
}

/** The same for who is in them. */
export async function insertMemberships(
  tx: Queryable,
  members: { conversationId: number; userId: number }[],
): Promise<void> {
  await tx.writeMany(
    "INSERT INTO memberships (conversation_id, user_id) VALUES ? ON DUPLICATE KEY UPDATE unread_count = unread_count",
    [members.map(({ conversationId, userId }) => [conversationId, userId])],
  );
}

/** In how many conversations something is unread; stops counting at `most`. */
export async function countUnread(userId: number, most: number): Promise<number> {
  const [row] = await db.execute<{ unread: number }>(
    `SELECT COUNT(*) AS unread FROM (
       SELECT 1 AS one FROM memberships WHERE user_id = ? AND has_unread = 1 LIMIT ${Math.trunc(most)}
     ) u`,
    [userId],
  );
  return row?.unread ?? 0;
}
