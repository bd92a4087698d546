/** What clients record of themselves, and what the checker reads. */

/** One message somebody wanted to send, from the first attempt on. */
export interface Operation {
  clientId: string;
  userId: number;
  deviceId: string;
  receiverId: number;
  text: string;
  /** Place in its device's queue to this person: 1, 2, 3 … */
  n: number;
  /**
   * `ok`: acknowledged as stored. `fail`: given up after nothing but definite refusals, so it must never appear.
   * `info`: nobody can say.
   */
  outcome: "ok" | "fail" | "info";
  attempts: number;
  /** From the acknowledgement. */
  stored?: { conversationId: number; seq: number; id: number };
}

export interface SeenMessage {
  seq: number;
  id: number;
  rev: number;
  senderId: number;
  clientId: string;
  text: string;
}

/** What one device shows of one conversation. */
interface View {
  conversationId: number;
  messages: SeenMessage[];
}

export interface DeviceRecord {
  deviceId: string;
  userId: number;
  operations: Operation[];
  views: View[];
  /** Conversations somebody else's news came from. */
  leaks: string[];
  /** The largest number this device ever claimed to have, and to have read, by conversation. */
  claimed: Record<number, { delivered: number; read: number }>;
  /** The largest cursors it ever heard of, by conversation and person. */
  heard: { conversationId: number; userId: number; deliveredSeq: number; readSeq: number }[];
  /** Where it thinks its own unread counts stand. */
  unread: Record<number, number>;
  /** Messages that are not acknowledged yet. */
  waiting: number;
  /** Its socket stayed open, or came back, though its session had ended. */
  ghosts: number;
  /** It was logged out on the way and does not count as a view any more. */
  isAway: boolean;
}
