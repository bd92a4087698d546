import {
  type LockedConversation,
  lockConversations,
  peopleOfKey,
} from "../conversations/conversations.queries.ts";
import type { Queryable } from "../platform/db.ts";

export interface CursorRow {
  conversationId: number;
  userId: number;
  lastSeq: number;
  deliveredSeq: number;
  readSeq: number;
  unreadCount: number;
  /** Everybody in the conversation. */
  memberIds: number[];
}

/** One person's memberships, their conversations locked in id order as the writer does. */
export async function lockCursors(
  tx: Queryable,
  pairs: { conversationId: number; userId: number }[],
): Promise<CursorRow[]> {
  const ids = [...new Set(pairs.map((pair) => pair.conversationId))].sort((a, b) => a - b);
  const { sql, values } = lockConversations(ids);
  const locked = await tx.query<LockedConversation>(sql, values);
  const conversations = new Map(locked.map((row) => [row.conversationId, row]));
  const rows = await tx.query<Omit<CursorRow, "lastSeq" | "memberIds">>(
    `SELECT conversation_id AS conversationId, user_id AS userId, delivered_seq AS deliveredSeq,
            read_seq AS readSeq, unread_count AS unreadCount
     FROM memberships WHERE ${pairs.map(() => "(conversation_id = ? AND user_id = ?)").join(" OR ")}`,
    pairs.flatMap((pair) => [pair.conversationId, pair.userId]),
  );
  return rows.map((row) => {
    const conversation = conversations.get(row.conversationId);
    const memberIds = conversation ? peopleOfKey(conversation.directKey) : [];
    return { ...row, lastSeq: conversation?.lastSeq ?? 0, memberIds };
  });
}

/** A run of messages: those after one number up to another, that one included. */
export interface Stretch {
  conversationId: number;
  userId: number;
  after: number;
  to: number;
}

/** How many messages of others than `userId` each stretch holds, by `conversationId:userId`. */
export async function countOthers(tx: Queryable, stretches: Stretch[]): Promise<Map<string, number>> {
  if (stretches.length === 0) return new Map();
  const counted = await tx.query<{ conversationId: number; userId: number; others: number }>(
    stretches
      .map(
        () => `SELECT ? AS conversationId, ? AS userId, COUNT(*) AS others FROM messages
               WHERE conversation_id = ? AND seq > ? AND seq <= ? AND sender_id <> ?`,
      )
      .join(" UNION ALL "),
    stretches.flatMap(({ conversationId, userId, after, to }) => [
      ...[conversationId, userId],
      ...[conversationId, after, to, userId],
    ]),
  );
  return new Map(counted.map((row) => [`${row.conversationId}:${row.userId}`, row.others]));
}

export async function updateCursors(tx: Queryable, rows: CursorRow[]): Promise<void> {
  await tx.writeMany(
    `UPDATE memberships m JOIN (
       ${rows.map(() => "SELECT ? AS conversation_id, ? AS user_id, ? AS delivered_seq, ? AS read_seq, ? AS unread_count").join(" UNION ALL ")}
     ) n ON n.conversation_id = m.conversation_id AND n.user_id = m.user_id
     SET m.delivered_seq = n.delivered_seq, m.read_seq = n.read_seq, m.unread_count = n.unread_count`,
    rows.flatMap((row) => [row.conversationId, row.userId, row.deliveredSeq, row.readSeq, row.unreadCount]),
  );
}
