import type { Server } from "socket.io";
import { type Message, membersOf } from "../messages/message.ts";
import { renderMessage } from "../messages/render.ts";
import {
  accountOf,
  changed,
  conversationTopic,
  EVERYBODY,
  presenceTopic,
  viewOf,
} from "../platform/changes.ts";
import type { Change } from "../users/presence.ts";
import type { ClientEvents, ReceiptUpdate, ServerEvents, UserPresence } from "./events.ts";

/**
 * The one place that tells browsers of news, and what this process keeps that it is old. Every event is a hint; the
 * truth is in the tables.
 */

/** What a socket keeps of its person. */
export interface SocketData {
  userId: number;
  authVersion: number;
  sessionId: string;
  /** When the session began, in ms since 1970. */
  createdAt: number;
  /** When it ends unless it is used until then, as far as was asked. */
  endsAt?: number;
  locale: string;
}

export type Sockets = Server<ClientEvents, ServerEvents, Record<string, never>, SocketData>;

let io: Sockets | undefined;

/** Sets where news goes. */
export function publishTo(sockets: Sockets): void {
  io = sockets;
}

/** Rooms by what they are for. */
export const userRoom = (userId: number) => `user:${userId}`;
/** Sockets that are still being checked: told nothing, and cut with the others. */
export const checkedRoom = (userId: number) => `checked:${userId}`;
export const sessionRoom = (sessionId: string) => `session:${sessionId}`;
export const watchRoom = (userId: number) => `watch:${userId}`;

/** Tells every tab of both people, the sender's included; rendered once however many look. */
export function publishMessages(messages: Message[]): void {
  for (const message of messages) {
    io?.to(membersOf(message).map(userRoom)).emit("receiveMessage", {
      ...message,
      html: renderMessage(message),
    });
  }
}

export function publishReceipts(receipts: ReceiptUpdate, memberIds: number[]): void {
  changed([conversationTopic(receipts.conversationId), ...memberIds.map(viewOf)]);
  io?.to(memberIds.map(userRoom)).emit("updateReceipts", receipts);
}

/** Tells those who watch somebody that they came or went. */
export function publishPresence(changes: Change[]): void {
  changed(changes.map(({ userId }) => presenceTopic(userId)));
  for (const change of changes) {
    io?.to(watchRoom(change.userId)).emit("updateOnlineUsers", { users: [presenceOf(change, null)] });
  }
}

/** A presence as the protocol has it; whoever just went was last seen now. */
export function presenceOf({ userId, online, at }: Change, lastSeenAt: Date | null): UserPresence {
  const seen = lastSeenAt ?? (online ? null : new Date(at));
  return { userId, online, lastSeenAt: online ? null : (seen?.toISOString() ?? null), at };
}

export function publishTyping(
  typing: { conversationId: number | null; userId: number; typing: boolean },
  to: number,
): void {
  io?.to(userRoom(to)).emit("typing", typing);
}

/** Tells everybody that somebody registered. */
export function publishJoined(userId: number): void {
  changed([EVERYBODY]);
  io?.emit("userJoined", { userId });
}

/** Tells everybody that somebody deleted their account. */
export function publishLeft(userId: number): void {
  changed([EVERYBODY]);
  io?.emit("userLeft", { userId });
}

/** Tells this node's browsers that news may have passed them by. */
export function askToRefresh(): void {
  io?.local.emit("refresh", {});
}

/** Cuts every socket of a session, on every node. */
export function cutSession(sessionId: string): void {
  cut(sessionRoom(sessionId));
}

/** Cuts every socket of a person, on every node, also those that are still being checked. */
export function cutPerson(userId: number): void {
  changed([accountOf(userId), viewOf(userId)]);
  cut([userRoom(userId), checkedRoom(userId)]);
}

/** Here at once, and by the bus on the other nodes. */
function cut(rooms: string | string[]): void {
  io?.local.in(rooms).disconnectSockets(true);
  io?.in(rooms).disconnectSockets(true);
}
