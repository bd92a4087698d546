import { db } from "../platform/db.ts";
import { PLACE_LAG_S } from "./conversations.queries.ts";

/** A person as a row of somebody's list shows them. */
export interface PersonRow {
  userId: number;
  username: string;
  conversationId: number | null;
  lastSeq: number | null;
  lastRev: number | null;
  unread: number | null;
  ownDelivered: number | null;
  ownRead: number | null;
  otherDelivered: number | null;
  otherRead: number | null;
  lastSenderId: number | null;
  lastMessage: string | null;
  lastAt: Date | null;
}

/** Where a page of the list ends; the next one starts after it. */
export interface TalkPlace {
  at: Date;
  conversationId: number;
}

const COLUMNS = `u.id AS userId, u.username, c.id AS conversationId, c.last_seq AS lastSeq, c.last_rev AS lastRev,
  own.unread_count AS unread, own.delivered_seq AS ownDelivered, own.read_seq AS ownRead,
  other.delivered_seq AS otherDelivered, other.read_seq AS otherRead,
  m.sender_id AS lastSenderId, IF(m.deleted_at IS NULL, LEFT(m.message, 120), '') AS lastMessage,
  m.created_at AS lastAt`;

/**
 * People somebody talks with, by latest message first; whole rows, as each statement costs the page its time.
 *
 * A membership is told of a message up to PLACE_LAG_S late, so its index has the order but for that: after as many
 * rows as are wanted, it is searched that much further, and what is found is sorted by the conversation's exact time.
 */
export function findTalkedWith(userId: number, after: TalkPlace | null, limit: number) {
  // Surely before the place, and possibly.
  const [surely, possibly] = after
    ? [
        `AND last_message_at <= ? - INTERVAL ${PLACE_LAG_S} SECOND`,
        "AND (c.last_message_at < ? OR (c.last_message_at = ? AND c.id < ?))",
      ]
    : ["", ""];
  const place = after ? [after.at, after.at, after.conversationId] : [];
  // Between, as MariaDB reads the whole index for a mere "greater than" what a subquery finds.
  return db.execute<PersonRow & TalkPlace>(
    `SELECT STRAIGHT_JOIN ${COLUMNS}, c.last_message_at AS at
     FROM memberships own FORCE INDEX (memberships_user)
     JOIN conversations c ON c.id = own.conversation_id
     JOIN memberships other ON other.conversation_id = own.conversation_id AND other.user_id = ${OTHER}
     JOIN users u ON u.id = other.user_id
     LEFT JOIN messages m ON m.conversation_id = own.conversation_id AND m.seq = c.last_seq
     WHERE own.user_id = ? AND own.last_message_at BETWEEN COALESCE((
         SELECT last_message_at FROM memberships WHERE user_id = ? AND last_message_at IS NOT NULL ${surely}
         ORDER BY last_message_at DESC LIMIT 1 OFFSET ${Math.trunc(limit) - 1}
       ), TIMESTAMP('1000-01-02')) - INTERVAL ${PLACE_LAG_S} SECOND AND ? ${possibly}
     ORDER BY c.last_message_at DESC, c.id DESC LIMIT ${Math.trunc(limit)}`,
    [userId, userId, ...(after ? [after.at] : []), after?.at ?? LATEST, ...place],
  );
}

/** Of a direct conversation `c` the one who is not `own.user_id`, so that their row is one look and not a range. */
const OTHER = `CAST(IF(SUBSTRING_INDEX(c.direct_key, ':', 1) = own.user_id,
  SUBSTRING_INDEX(c.direct_key, ':', -1), SUBSTRING_INDEX(c.direct_key, ':', 1)) AS UNSIGNED)`;

/** Later than any message. */
const LATEST = new Date(Date.UTC(9999, 0));

const NEVER_TALKED = `NOT EXISTS (
  SELECT 1 FROM conversations c
  WHERE c.direct_key = CAST(CONCAT(LEAST(u.id, ?), ':', GREATEST(u.id, ?)) AS CHAR CHARACTER SET ascii) COLLATE ascii_bin
    AND c.last_seq > 0)`;

/** Everybody else, by name. */
export function findNotTalkedWith(userId: number, afterKey: string, limit: number) {
  return db.execute<{ userId: number; usernameKey: string }>(
    `SELECT u.id AS userId, u.username_key AS usernameKey FROM users u
     WHERE u.username_key > ? AND u.id <> ? AND ${NEVER_TALKED}
     ORDER BY u.username_key LIMIT ${Math.trunc(limit)}`,
    [afterKey, userId, userId, userId],
  );
}

/** People whose name begins with the key, by name. */
export function findByBeginning(userId: number, key: string, afterKey: string, limit: number) {
  return db.execute<{ userId: number; usernameKey: string }>(
    `SELECT id AS userId, username_key AS usernameKey FROM users
     WHERE username_key LIKE ? AND username_key > ? AND id <> ? ORDER BY username_key LIMIT ${Math.trunc(limit)}`,
    [`${escapeLike(key)}%`, afterKey, userId],
  );
}

export interface SuffixPlace {
  suffix: string;
  userId: number;
}

/** People whose name holds the key anywhere but at its beginning, by what follows. */
export function findByPart(userId: number, key: string, after: SuffixPlace, limit: number) {
  return db.execute<SuffixPlace>(
    `SELECT suffix, user_id AS userId FROM username_suffixes
     WHERE suffix LIKE ? AND suffix >= ? AND (suffix > ? OR user_id > ?) AND fresh_from <= ? AND user_id <> ?
     ORDER BY suffix, user_id LIMIT ${Math.trunc(limit)}`,
    [`${escapeLike(key)}%`, after.suffix, after.suffix, after.userId, [...key].length, userId],
  );
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}

/** The rows of these people as `userId` sees them, in no order; deleted accounts only where something was said. */
export function findPersonRows(userId: number, otherIds: number[]): Promise<PersonRow[]> {
  if (otherIds.length === 0) return Promise.resolve([]);
  return db.query<PersonRow>(
    `SELECT ${COLUMNS}
     FROM users u
     LEFT JOIN conversations c
       ON c.direct_key = CAST(CONCAT(LEAST(u.id, ?), ':', GREATEST(u.id, ?)) AS CHAR CHARACTER SET ascii) COLLATE ascii_bin
     LEFT JOIN memberships own ON own.conversation_id = c.id AND own.user_id = ?
     LEFT JOIN memberships other ON other.conversation_id = c.id AND other.user_id = u.id
     LEFT JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
     WHERE u.id IN (?) AND (u.username_key IS NOT NULL OR c.last_seq > 0)`,
    [userId, userId, userId, otherIds],
  );
}
