import type { Response } from "express";
import type { Cursors, DirectConversation } from "../conversations/conversations.queries.ts";
import { conversationTopic, EVERYBODY, presenceTopic, type Topic, viewOf } from "../platform/changes.ts";
import { actorOf, clockOf } from "../platform/context.ts";
import { Kept, keyOf } from "../platform/kept.ts";
import { type Clock, dayLabel, localOf } from "../platform/times.ts";
import { renderPartial } from "../platform/views.ts";
import { shownName } from "../users/shown-name.ts";
import type { Message } from "./message.ts";
import { getMessages, type Page, type Part } from "./messages.ts";
import { messageContext } from "./render.ts";

/** The messages of a page as one of the two sees them. */
export interface Talk {
  conversation: DirectConversation;
  lastRev: number;
  /** There are messages after the last of these. */
  newer: boolean;
  /** The smallest and the largest `seq`; 0 where there is nothing. */
  first: number;
  last: number;
  /** The messages and the days between them. */
  html: string;
  /** What all of it depends on, as `changes.ts` names it. */
  topics: Topic[];
}

/** Messages a page. */
export const MESSAGES_PAGE = 50;
const MAX_AGE_MS = 5000;
const OVERHEAD_BYTES = 1500;

/** Kept apart from whole pages: the list beside it changes with every message of anybody. */
const talks = new Kept<Talk>(MAX_AGE_MS, 1 / 2);

/** A part of the viewer's conversation with somebody. @throws Refusal `not_found` where there is nobody */
export function talkWith(response: Response, userId: number, part: Part): Promise<Talk> {
  const actor = actorOf(response);
  const clock = clockOf(response);
  const key = keyOf(actor.userId, userId, JSON.stringify(part), clock.locale, clock.timeZone);
  return talks.get(key, async () => {
    const value = talkOf(await getMessages(actor, { userId }, part, MESSAGES_PAGE), actor.userId, clock);
    // Characters beyond Latin 1 take two bytes each.
    return { value, topics: value.topics, bytes: value.html.length * 2 + key.length + OVERHEAD_BYTES };
  });
}

/** What a page of messages depends on. */
export function topicsOf({ conversation }: Pick<Page, "conversation">, viewerId: number): Topic[] {
  const { id, userId } = conversation;
  const messages = id === null ? viewOf(viewerId) : conversationTopic(id);
  return [messages, EVERYBODY, presenceTopic(userId)];
}

function talkOf(page: Page, viewerId: number, clock: Clock): Talk {
  const { conversation, lastRev, newer, messages } = page;
  const items = itemsOf(messages, viewerId, conversation.other, clock);
  return {
    ...{ conversation, lastRev, newer },
    // Changes come in the order they were made, which need not be that of the messages.
    first: messages.length > 0 ? Math.min(...messages.map(({ seq }) => seq)) : 0,
    last: messages.at(-1)?.seq ?? 0,
    html: renderPartial("items", { items }, { locale: clock.locale }),
    topics: topicsOf(page, viewerId),
  };
}

/** Messages with a separator before the first of each day. */
function itemsOf(messages: Message[], viewerId: number, other: Cursors, clock: Clock) {
  let day = "";
  return messages.flatMap((message) => {
    const date = new Date(message.timestamp);
    const local = localOf(date, clock);
    const isNewDay = local.date !== day;
    day = local.date;
    const item = { message: viewedBy(message, viewerId, other, { locale: clock.locale, time: local.time }) };
    return isNewDay ? [{ day: { date: day, label: dayLabel(date, clock) } }, item] : [item];
  });
}

/** A message as one of the two sees it: its side, its state for the sender, and the time by the reader's clock. */
function viewedBy(
  message: Message,
  viewerId: number,
  other: Cursors,
  { locale, time }: Pick<Clock, "locale"> & { time: string },
) {
  const own = message.senderId === viewerId;
  return {
    ...messageContext(message),
    sender: shownName(message.sender, locale),
    own,
    state: own ? stateOf(message.seq, other) : "",
    time,
  };
}

function stateOf(seq: number, other: Cursors): "sent" | "delivered" | "read" {
  if (seq <= other.readSeq) return "read";
  return seq <= other.deliveredSeq ? "delivered" : "sent";
}
