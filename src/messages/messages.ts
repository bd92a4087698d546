import { hash } from "node:crypto";
import type { DirectConversation } from "../conversations/conversations.queries.ts";
import {
  type Actor,
  conversationToSendTo,
  findConversationFor,
  type Target,
} from "../conversations/conversations.ts";
import { config } from "../platform/config.ts";
import { CommitUnknown, isReadOnly, isUnavailable } from "../platform/db-errors.ts";
import { Refusal } from "../platform/errors.ts";
import { spendLeased } from "../platform/leased-limits.ts";
import { log } from "../platform/log.ts";
import { clientIdBytes } from "./client-id.ts";
import type { Message } from "./message.ts";
import { messageOf } from "./message-row.ts";
import { parseMessageText } from "./message-text.ts";
import { findBefore, findChangedSince, findFrom, findNewest, type MessageRow } from "./messages.queries.ts";
import { write } from "./writer.ts";

export interface Send {
  target: Target;
  message: string;
  /** UUID; sending again with the same one returns the same message. */
  clientId: string;
}

/**
 * Sends a message: when this resolves it is committed.
 *
 * @throws Refusal `invalid`, `too_large`, `not_found`, `conflict`, `too_many`, `unavailable` (certainly not stored) or
 *   `unknown` (a commit in doubt: send the same `clientId` again)
 */
export async function sendMessage(actor: Actor, send: Send): Promise<Message> {
  const text = parseMessageText(send.message);
  await spendLeased("sendPerUser", actor.userId);
  const conversationId = await conversationToSendTo(actor, send.target).catch(refuseUnstored);
  const { message, isNew } = await write({
    conversationId,
    senderId: actor.userId,
    clientId: clientIdBytes(send.clientId),
    message: text,
    textHash: hash("sha256", text, "buffer"),
  });
  if (isNew) reportMessage(message);
  return message;
}

/** Before the writer has it nothing can have been stored. */
function refuseUnstored(error: unknown): never {
  const isStoreAway = isUnavailable(error) || isReadOnly(error) || error instanceof CommitUnknown;
  throw isStoreAway ? new Refusal("unavailable", "chat.error.unavailable", {}, error) : error;
}

/** The terminal's line for a message; its text only where the operator wants it. */
function reportMessage({ sender, senderId, receiverId, message, timestamp }: Message): void {
  log.info(
    { sender, senderId, receiverId, ...(config.logMessages ? { message } : {}), timestamp },
    "message",
  );
}

/** Which part of a conversation: the newest, what is before a number, around one, or changed since a `rev`. */
export type Part = { newest: true } | { beforeSeq: number } | { aroundSeq: number } | { afterRev: number };

export interface Page {
  conversation: DirectConversation;
  /** In the order of `seq`; with `afterRev` in the order of `rev`. */
  messages: Message[];
  /** The conversation's `last_rev`, read before the messages: stated too low is harmless, too high loses news. */
  lastRev: number;
  /** With `afterRev`: there are more changes. Else: there are older messages. */
  more: boolean;
  /** There are messages after the last of these. */
  newer: boolean;
}

/** @throws Refusal `not_found` for a stranger */
export async function getMessages(actor: Actor, target: Target, part: Part, limit: number): Promise<Page> {
  const conversation = await findConversationFor(actor, target);
  const rows = conversation.id === null ? [] : await findPart(conversation.id, part, limit);
  const kept = "afterRev" in part ? rows.slice(0, limit) : rows;
  const people = [conversation, { userId: actor.userId, username: conversation.ownUsername }];
  const messages = kept.map((row) => messageOf(row, people));
  const first = messages[0]?.seq ?? 0;
  return {
    conversation,
    messages,
    lastRev: conversation.lastRev,
    more: "afterRev" in part ? rows.length > limit : first > 1,
    newer: !("afterRev" in part) && messages.length > 0 && (messages.at(-1)?.seq ?? 0) < conversation.lastSeq,
  };
}

async function findPart(id: number, part: Part, limit: number): Promise<MessageRow[]> {
  if ("afterRev" in part) return findChangedSince(id, part.afterRev, limit + 1);
  if ("beforeSeq" in part) return (await findBefore(id, part.beforeSeq, limit)).reverse();
  if ("aroundSeq" in part) {
    const half = Math.floor(limit / 2);
    const [before, from] = await Promise.all([
      half > 0 ? findBefore(id, part.aroundSeq, half) : [],
      findFrom(id, part.aroundSeq, limit - half),
    ]);
    return [...before.reverse(), ...from];
  }
  return (await findNewest(id, limit)).reverse();
}
