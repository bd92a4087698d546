import { db } from "../platform/db.ts";

/** A row of `messages`. */
export interface MessageRow {
  id: number;
  conversationId: number;
  seq: number;
  rev: number;
  clientId: Buffer;
  senderId: number;
  message: string;
  createdAt: Date;
  editedAt: Date | null;
  deletedAt: Date | null;
}

const COLUMNS = `m.id, m.conversation_id AS conversationId, m.seq, m.rev, m.client_id AS clientId,
  m.sender_id AS senderId, m.message, m.created_at AS createdAt, m.edited_at AS editedAt, m.deleted_at AS deletedAt`;

/** The newest messages, newest first. */
export function findNewest(conversationId: number, limit: number): Promise<MessageRow[]> {
  return db.execute<MessageRow>(
    `SELECT ${COLUMNS} FROM messages m WHERE m.conversation_id = ? ORDER BY m.seq DESC LIMIT ${rows(limit)}`,
    [conversationId],
  );
}

/** Messages with a smaller number, newest first. */
export function findBefore(conversationId: number, seq: number, limit: number): Promise<MessageRow[]> {
  return db.execute<MessageRow>(
    `SELECT ${COLUMNS} FROM messages m WHERE m.conversation_id = ? AND m.seq < ?
     ORDER BY m.seq DESC LIMIT ${rows(limit)}`,
    [conversationId, seq],
  );
}

/** Messages from this number on, oldest first. */
export function findFrom(conversationId: number, seq: number, limit: number): Promise<MessageRow[]> {
  return db.execute<MessageRow>(
    `SELECT ${COLUMNS} FROM messages m WHERE m.conversation_id = ? AND m.seq >= ?
     ORDER BY m.seq LIMIT ${rows(limit)}`,
    [conversationId, seq],
  );
}

/** Messages changed after this `rev`, in the order of their changes: the whole of catching up. */
export function findChangedSince(conversationId: number, rev: number, limit: number): Promise<MessageRow[]> {
  return db.execute<MessageRow>(
    `SELECT ${COLUMNS} FROM messages m WHERE m.conversation_id = ? AND m.rev > ?
     ORDER BY m.rev LIMIT ${rows(limit)}`,
    [conversationId, rev],
  );
}

/** A row count that may stand in a statement's text: as a parameter MySQL 8.0.22 refuses numbers. */
function rows(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError("a limit is a whole number from 1");
  return limit;
}
