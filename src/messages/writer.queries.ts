import type { Queryable } from "../platform/db.ts";
import type { MessageRow } from "./messages.queries.ts";

/** A conversation's counters as they stand under its lock. */
export interface LockedConversation {
  id: number;
  lastSeq: number;
  lastRev: number;
  /** The database's clock: one for all nodes. */
  now: Date;
}

export interface Member {
  conversationId: number;
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

/** Locks conversations in the order of their ids, which is what keeps two batches from a deadlock. */
export function lockConversations(tx: Queryable, ids: number[]): Promise<LockedConversation[]> {
  return tx.query<LockedConversation>(
    `SELECT id, last_seq AS lastSeq, last_rev AS lastRev, UTC_TIMESTAMP(3) AS now
     FROM conversations WHERE id IN (?) ORDER BY id FOR UPDATE`,
    [ids],
  );
}

export function findMembers(tx: Queryable, conversationIds: number[]): Promise<Member[]> {
  return tx.query<Member>(
    `SELECT m.conversation_id AS conversationId, m.user_id AS userId, u.username,
            m.delivered_seq AS deliveredSeq, m.read_seq AS readSeq, m.unread_count AS unreadCount
     FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.conversation_id IN (?)`,
    [conversationIds],
  );
}

/** Messages that were already stored under these keys, with the hash of the text as it was sent. */
export function findSent(tx: Queryable, keys: SendKey[]): Promise<(MessageRow & { textHash: Buffer })[]> {
  return tx.query(
    `SELECT m.id, m.conversation_id AS conversationId, m.seq, m.rev, m.client_id AS clientId,
            m.sender_id AS senderId, m.message, m.created_at AS createdAt, m.edited_at AS editedAt,
            m.deleted_at AS deletedAt, m.text_hash AS textHash
     FROM messages m
     WHERE ${keys.map(() => "(m.conversation_id = ? AND m.sender_id = ? AND m.client_id = ?)").join(" OR ")}`,
    keys.flatMap((key) => [key.conversationId, key.senderId, key.clientId]),
  );
}

export async function insertMessages(tx: Queryable, messages: NewMessage[]): Promise<void> {
  await tx.writeMany(
    `INSERT INTO messages (conversation_id, seq, sender_id, client_id, text_hash, message, created_at, rev)
     VALUES ?`,
    [
      messages.map((message) => [
        ...[message.conversationId, message.seq, message.senderId, message.clientId],
        ...[message.textHash, message.message, message.createdAt, message.rev],
      ]),
    ],
  );
}

/** A run of numbers in one conversation, both ends included. */
export interface SeqRange {
  conversationId: number;
  from: number;
  to: number;
}

/** Ids are read back, not computed: with several database nodes they need not follow each other. */
export function findIds(
  tx: Queryable,
  ranges: SeqRange[],
): Promise<{ id: number; conversationId: number; seq: number }[]> {
  return tx.query(
    `SELECT id, conversation_id AS conversationId, seq FROM messages
     WHERE ${ranges.map(() => "(conversation_id = ? AND seq BETWEEN ? AND ?)").join(" OR ")}`,
    ranges.flatMap((range) => [range.conversationId, range.from, range.to]),
  );
}

export interface CounterUpdate {
  id: number;
  lastSeq: number;
  lastRev: number;
  lastMessageAt: Date;
}

export async function updateCounters(tx: Queryable, updates: CounterUpdate[]): Promise<void> {
  await tx.writeMany(
    `UPDATE conversations c JOIN (
       ${rowsOf("? AS id, ? AS last_seq, ? AS last_rev, ? AS last_message_at", updates.length)}
     ) n ON n.id = c.id
     SET c.last_seq = n.last_seq, c.last_rev = n.last_rev, c.last_message_at = n.last_message_at`,
    updates.flatMap((update) => [update.id, update.lastSeq, update.lastRev, update.lastMessageAt]),
  );
}

export interface MembershipUpdate {
  conversationId: number;
  userId: number;
  deliveredSeq: number;
  readSeq: number;
  unreadCount: number;
  lastMessageAt: Date;
}

export async function updateMemberships(tx: Queryable, updates: MembershipUpdate[]): Promise<void> {
  await tx.writeMany(
    `UPDATE memberships m JOIN (
       ${rowsOf("? AS conversation_id, ? AS user_id, ? AS delivered_seq, ? AS read_seq, ? AS unread_count, ? AS last_message_at", updates.length)}
     ) n ON n.conversation_id = m.conversation_id AND n.user_id = m.user_id
     SET m.delivered_seq = n.delivered_seq, m.read_seq = n.read_seq, m.unread_count = n.unread_count,
         m.last_message_at = n.last_message_at`,
    updates.flatMap((update) => [
      ...[update.conversationId, update.userId, update.deliveredSeq, update.readSeq],
      ...[update.unreadCount, update.lastMessageAt],
    ]),
  );
}

/** `SELECT a AS x … UNION ALL SELECT …`: a table of values that every version of both databases takes. */
function rowsOf(columns: string, count: number): string {
  return Array.from({ length: count }, () => `SELECT ${columns}`).join(" UNION ALL ");
}
