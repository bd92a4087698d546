import type { Message } from "../messages/message.ts";
import type { ErrorCode } from "../platform/errors.ts";

/** The typed contract of every socket event, for both sides. docs/protocol.md says the same in words. */

/** A message with its markup, which knows nothing of who looks at it. */
export type MessageWithHtml = Message & { html: string };

interface Cursors {
  deliveredSeq: number;
  readSeq: number;
}

/** Somebody's presence; `at` is the clock (ms) it was true at, and an older one than is held is to be ignored. */
export interface UserPresence {
  userId: number;
  online: boolean;
  lastSeenAt: string | null;
  at: number;
}

/** A row of the list of people. */
export interface ConversationRow {
  userId: number;
  username: string;
  conversationId: number | null;
  lastSeq: number;
  lastRev: number;
  lastMessage: { seq: number; senderId: number; message: string; timestamp: string } | null;
  unread: number;
  own: Cursors;
  other: Cursors;
  /** `unknown` while Redis does not answer. */
  online: "true" | "false" | "unknown";
  /** Its markup; absent where `html: false` was asked. */
  html?: string;
}

export interface ReceiptUpdate extends Cursors {
  conversationId: number;
  userId: number;
  /** The member's unread count, for the member's own tabs. */
  unread: number;
}

/** What a refused event is answered with; `message` is for the person, in their language. `retryAfterS` comes with `too_many`. */
export interface Failure {
  ok: false;
  error: { code: ErrorCode; message: string; retryAfterS?: number };
}

type Acknowledge<Result> = (answer: ({ ok: true } & Result) | Failure) => void;

/** A conversation, named by the other person or by itself. */
interface TargetFields {
  userId?: number;
  receiverId?: number;
  conversationId?: number;
}

interface CursorFields extends TargetFields {
  seq: number;
}

export interface MessagesPage {
  messages: MessageWithHtml[];
  lastRev: number;
  more: boolean;
  newer: boolean;
  conversationId: number | null;
  own: Cursors;
  other: Cursors;
}

export interface ClientEvents {
  sendMessage: (
    send: TargetFields & { message: string; clientId: string },
    done: Acknowledge<{ message: Message }>,
  ) => void;
  getConversations: (
    page: { after?: string; limit?: number; userIds?: number[]; html?: boolean },
    done: Acknowledge<{ rows: ConversationRow[]; next: string | null; unreadConversations: number }>,
  ) => void;
  getMessages: (
    page: TargetFields & { afterRev?: number; beforeSeq?: number; aroundSeq?: number; limit?: number },
    done: Acknowledge<MessagesPage>,
  ) => void;
  deliverMessages: (receipt: Receipts, done: Acknowledge<{ cursors: ReceiptUpdate[] }>) => void;
  readMessages: (receipt: Receipts, done: Acknowledge<{ cursors: ReceiptUpdate[] }>) => void;
  typing: (typing: TargetFields & { typing: boolean }, done?: Acknowledge<object>) => void;
  watchUsers: (watch: { userIds: number[] }, done: Acknowledge<{ users: UserPresence[] }>) => void;
}

/** One cursor, or several after a refreshed list. */
type Receipts = CursorFields | { cursors: CursorFields[] };

export interface ServerEvents {
  receiveMessage: (message: MessageWithHtml) => void;
  updateReceipts: (receipts: ReceiptUpdate) => void;
  updateOnlineUsers: (change: { users: UserPresence[] }) => void;
  typing: (typing: { conversationId: number | null; userId: number; typing: boolean }) => void;
  /** Somebody registered: lists that show everybody have one more. */
  userJoined: (joined: { userId: number }) => void;
  /** Somebody deleted their account. */
  userLeft: (left: { userId: number }) => void;
  /** News may have been missed: ask for what is lacking. */
  refresh: (nothing: object) => void;
}
