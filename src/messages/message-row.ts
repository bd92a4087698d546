import { clientIdText } from "./client-id.ts";
import type { Message } from "./message.ts";
import type { MessageRow } from "./messages.queries.ts";

/** A row as the protocol has it. `people` are the conversation's members. */
export function messageOf(row: MessageRow, people: { userId: number; username: string }[]): Message {
  const other = people.find((person) => person.userId !== row.senderId);
  return {
    id: row.id,
    conversationId: row.conversationId,
    seq: row.seq,
    rev: row.rev,
    clientId: clientIdText(row.clientId),
    senderId: row.senderId,
    sender: people.find((person) => person.userId === row.senderId)?.username ?? "",
    receiverId: people.length === 2 ? (other?.userId ?? null) : null,
    message: row.deletedAt ? "" : row.message,
    timestamp: row.createdAt.toISOString(),
    editedAt: row.editedAt?.toISOString() ?? null,
    deletedAt: row.deletedAt?.toISOString() ?? null,
  };
}
