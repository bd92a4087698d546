import { PLACE_LAG_S } from "../conversations/conversations.queries.ts";
import { db, type Queryable, type Statement } from "../platform/db.ts";
import type { MessageRow } from "./messages.queries.ts";

/** Somebody in a conversation. */
export interface Member {
  conversationId: number;
  userId: number;
  /** Empty for a deleted account. */
  username: string;
}

/** What makes a send the same send. */
export interface SendKey {
  conversationId: number;
  senderId: number;
  clientId: Buffer;
}

export interface NewMessage extends SendKey {
  seq: number;
  rev: number;
  textHash: Buffer;
  message: string;
}

/**
 * The time of a batch by the database's clock, one for all nodes, for the statements after it: to be noted under the
 * lock, so that later messages of a conversation are never earlier.
 */
export function noteTime(): Statement {
  return { sql: "SET @now = UTC_TIMESTAMP(3)", values: [] };
}

/**
 * Locks conversations in the order of their ids and notes the time, if all of them stand as they are remembered.
 * Else the time is NULL, with which no message can be stored. `last_rev` only rises, and what is remembered of it is
 * never above what it is: where the sums are equal, each is.
 */
export function lockRemembered(remembered: { conversationId: number; lastRev: number }[]): Statement {
  return {
    sql: `SELECT IF(SUM(last_rev) = ? AND COUNT(ended_at) = 0, UTC_TIMESTAMP(3), NULL) INTO @now
          FROM conversations WHERE id IN (?) FOR UPDATE`,
    values: [
      remembered.reduce((sum, { lastRev }) => sum + lastRev, 0),
      remembered.map(({ conversationId }) => conversationId),
    ],
  };
}

/**
 * Everybody in these conversations, whose locks must be held: whatever ends an account takes them first, so that no
 * name read here can be out of date, although it is not locked itself.
 */
export function findMembers(tx: Queryable, ids: number[]): Promise<Member[]> {
  return tx.query(
    `SELECT m.conversation_id AS conversationId, m.user_id AS userId, u.username
     FROM memberships m STRAIGHT_JOIN users u ON u.id = m.user_id WHERE m.conversation_id IN (?)`,
    [ids],
  );
}

/** Messages that were already stored under these keys, with the hash of the text as it was sent. */
export function findSent(tx: Queryable, keys: SendKey[]): Promise<(MessageRow & { textHash: Buffer })[]> {
  return tx.query(
    `SELECT m.id, m.conversation_id AS conversationId, m.seq, m.rev, m.client_id AS clientId,
            m.sender_id AS senderId, m.message, m.created_at AS createdAt, m.edited_at AS editedAt,
            m.deleted_at AS deletedAt, m.text_hash AS textHash
     FROM (${rowsOf("? AS conversation_id, ? AS sender_id, ? AS client_id", keys.length)}) k
     STRAIGHT_JOIN messages m
       ON m.conversation_id = k.conversation_id AND m.sender_id = k.sender_id AND m.client_id = k.client_id`,
    keys.flatMap((key) => [key.conversationId, key.senderId, key.clientId]),
  );
}

/** Inserts all at the noted time, or none and with ER_DUP_ENTRY when one of them is stored already. */
export function insertMessages(messages: NewMessage[]): Statement {
  return {
    sql: `INSERT INTO messages (conversation_id, seq, sender_id, client_id, text_hash, message, rev, created_at)
          VALUES ${messages.map(() => "(?, ?, ?, ?, ?, ?, ?, @now)").join(", ")}`,
    values: messages.flatMap((message) => [
      ...[message.conversationId, message.seq, message.senderId, message.clientId],
      ...[message.textHash, message.message, message.rev],
    ]),
  };
}

/** Where a message is stored, and since when: text in UTC, `YYYY-MM-DD hh:mm:ss.mmm`. */
export interface StoredPlace {
  id: number;
  conversationId: number;
  seq: number;
  at: string;
}

/**
 * The ids of `count` messages that were just inserted, in their order. They are read back, not computed: with several
 * database nodes they need not follow each other. Where they do, those of one statement are one range of the index.
 */
export function findInsertedIds(count: number): Statement {
  return {
    sql: `SELECT id, conversation_id AS conversationId, seq, CAST(@now AS CHAR) AS at FROM messages
          WHERE id BETWEEN LAST_INSERT_ID() AND LAST_INSERT_ID() + ? * @@auto_increment_increment ORDER BY id`,
    values: [count - 1],
  };
}

/** The same one by one, where ids do not follow each other. */
export function findStored(places: { conversationId: number; seq: number }[]): Promise<StoredPlace[]> {
  return db.query<StoredPlace>(
    `SELECT m.id, m.conversation_id AS conversationId, m.seq, CAST(m.created_at AS CHAR) AS at
     FROM (${rowsOf("? AS conversation_id, ? AS seq", places.length)}) p
     STRAIGHT_JOIN messages m ON m.conversation_id = p.conversation_id AND m.seq = p.seq`,
    places.flatMap((place) => [place.conversationId, place.seq]),
  );
}

/** How many messages a conversation got. */
export interface Raise {
  conversationId: number;
  by: number;
}

/** Most conversations of a batch get as many as others: a statement for each number, which finds its rows by key. */
export function raiseCounters(raises: Raise[]): Statement[] {
  const ids = Map.groupBy(raises, ({ by }) => by);
  return [...ids].map(([by, group]) => ({
    sql: `UPDATE conversations SET last_seq = last_seq + ?, last_rev = last_rev + ?, last_message_at = @now
          WHERE id IN (?)`,
    values: [by, by, group.map(({ conversationId }) => conversationId)],
  }));
}

/** How a batch moves a member's row. */
export interface MemberMove {
  conversationId: number;
  userId: number;
  /** Cursors that stand at `from` move to `to`. */
  from: number;
  to: number;
  /** How many messages of others came. */
  unread: number;
}

/**
 * Rows that stand under their conversations' locks and of which none can be missing: nothing is ever inserted. When a
 * conversation was last written to is told here up to PLACE_LAG_S late, which spares its index nearly every message;
 * never early, also where the database's clock was set back.
 */
export function moveMembers(moves: MemberMove[]): Statement {
  return {
    sql: `INSERT INTO memberships (conversation_id, user_id, delivered_seq, read_seq, unread_count, last_message_at)
          VALUES ${moves.map(() => "(?, ?, ?, ?, ?, @now)").join(", ")}
          ON DUPLICATE KEY UPDATE
            read_seq = IF(read_seq = VALUES(delivered_seq), VALUES(read_seq), read_seq),
            delivered_seq = IF(delivered_seq = VALUES(delivered_seq), VALUES(read_seq), delivered_seq),
            unread_count = unread_count + VALUES(unread_count),
            last_message_at = IF(
              last_message_at BETWEEN VALUES(last_message_at) - INTERVAL ${PLACE_LAG_S} SECOND AND VALUES(last_message_at),
              last_message_at, VALUES(last_message_at))`,
    values: moves.flatMap((move) => [move.conversationId, move.userId, move.from, move.to, move.unread]),
  };
}

/** `SELECT a AS x … UNION ALL SELECT …`: a table of values that every version of both databases takes. */
function rowsOf(columns: string, count: number): string {
  return Array.from({ length: count }, () => `SELECT ${columns}`).join(" UNION ALL ");
}
