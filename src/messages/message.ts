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
