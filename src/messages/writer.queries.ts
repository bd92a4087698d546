import { db, type Queryable, type Statement } from "../platform/db.ts";
import type { MessageRow } from "./messages.queries.ts";

/** A member of a conversation, as it stands under the conversation's lock. */
export interface LockedMember {
  conversationId: number;
  /** The database's clock: one for all nodes. */
  now: Date;
  userId: number;
  /** Empty for a deleted account. */
  username: string;
  deliveredSeq: number;
  readSeq: number;
  unreadCount: number;
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
  createdAt: Date;
}

/**
 * Everybody in these conversations, whose locks must be held: whatever changes a membership or ends an account takes
 * them first, so that nothing read here can be out of date, although it is not locked itself.
 */
export function findMembers(ids: number[]): Statement {
  return {
    sql: `SELECT m.conversation_id AS conversationId, UTC_TIMESTAMP(3) AS now, m.user_id AS userId, u.username,
                 m.delivered_seq AS deliveredSeq, m.read_seq AS readSeq, m.unread_count AS unreadCount
          FROM memberships m STRAIGHT_JOIN users u ON u.id = m.user_id WHERE m.conversation_id IN (?)`,
    values: [ids],
  };
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

/** Inserts all, or none and with ER_DUP_ENTRY when one of them is stored already. */
export function insertMessages(messages: NewMessage[]): Statement {
  return {
    sql: `INSERT INTO messages (conversation_id, seq, sender_id, client_id, text_hash, message, created_at, rev)
          VALUES ?`,
    values: [
      messages.map((message) => [
        ...[message.conversationId, message.seq, message.senderId, message.clientId],
        ...[message.textHash, message.message, message.createdAt, message.rev],
      ]),
    ],
  };
}

/** Where a message stands, and its id. */
export interface PlacedId {
  id: number;
  conversationId: number;
  seq: number;
}

/**
 * The ids of `count` messages that were just inserted. They are read back, not computed: with several database
 * nodes they need not follow each other. Where they do, those of one statement are one range of the index.
 */
export function findInsertedIds(count: number): Statement {
  return {
    sql: `SELECT id, conversation_id AS conversationId, seq FROM messages
          WHERE id BETWEEN LAST_INSERT_ID() AND LAST_INSERT_ID() + ? * @@auto_increment_increment`,
    values: [count - 1],
  };
}

/** The same one by one, where ids do not follow each other. */
export function findIds(places: Omit<PlacedId, "id">[]): Promise<PlacedId[]> {
  return db.query<PlacedId>(
    `SELECT m.id, m.conversation_id AS conversationId, m.seq
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
export function raiseCounters(raises: Raise[], lastMessageAt: Date): Statement[] {
  const ids = Map.groupBy(raises, ({ by }) => by);
  return [...ids].map(([by, group]) => ({
    sql: `UPDATE conversations SET last_seq = last_seq + ?, last_rev = last_rev + ?, last_message_at = ?
          WHERE id IN (?)`,
    values: [by, by, lastMessageAt, group.map(({ conversationId }) => conversationId)],
  }));
}

export interface MembershipUpdate {
  conversationId: number;
  userId: number;
  deliveredSeq: number;
  readSeq: number;
  unreadCount: number;
}

/** Rows that stand under their conversations' locks, so that none of them can be missing: nothing is ever inserted. */
export function updateMemberships(updates: MembershipUpdate[], lastMessageAt: Date): Statement {
  return {
    sql: `INSERT INTO memberships (conversation_id, user_id, delivered_seq, read_seq, unread_count, last_message_at)
          VALUES ? ON DUPLICATE KEY UPDATE delivered_seq = VALUES(delivered_seq), read_seq = VALUES(read_seq),
            unread_count = VALUES(unread_count), last_message_at = VALUES(last_message_at)`,
    values: [
      updates.map((row) => [
        ...[row.conversationId, row.userId, row.deliveredSeq, row.readSeq, row.unreadCount],
        lastMessageAt,
      ]),
    ],
  };
}

/** `SELECT a AS x … UNION ALL SELECT …`: a table of values that every version of both databases takes. */
function rowsOf(columns: string, count: number): string {
  return Array.from({ length: count }, () => `SELECT ${columns}`).join(" UNION ALL ");
}
