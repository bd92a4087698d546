import { clientIdText } from "./client-id.ts";
import type { MessageRow } from "./messages.queries.ts";

/** A message as the protocol has it; fields may be added. */
export interface Message {
  id: number;
  conversationId: number;
  /** Its number in the conversation, 1, 2, 3 … without a gap. */
  seq: number;
  /** The conversation's number of the latest change to this message. */
  rev: number;
  /** UUID chosen by the sender's device; the same one sent again is the same message. */
  clientId: string;
  senderId: number;
  sender: string;
  /** The other person; null in rooms. */
  receiverId: number | null;
  message: string;
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  editedAt: string | null;
  deletedAt: string | null;
}

/** Who sees a message. */
export function membersOf({ senderId, receiverId }: Pick<Message, "senderId" | "receiverId">): number[] {
  return [senderId, receiverId].filter((id) => id !== null);
}

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
