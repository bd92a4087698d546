import type { Response } from "express";
import type { Cursors } from "../conversations/conversations.queries.ts";
import { listPeople, onlineByUser, topicsOf, unreadTitleOf } from "../conversations/people.ts";
import { PEOPLE_PAGE, peopleContext } from "../conversations/people.view.ts";
import type { Answer } from "../platform/answers.ts";
import { presenceTopic } from "../platform/changes.ts";
import { actorOf, clockOf, viewerOf } from "../platform/context.ts";
import { translate } from "../platform/i18n.ts";
import { type Clock, dateOf, dayLabel, timeOf, whenLabel } from "../platform/times.ts";
import { renderPage } from "../platform/views.ts";
import { shownName } from "../users/shown-name.ts";
import type { Message } from "./message.ts";
import type { Page } from "./messages.ts";
import { messageContext } from "./render.ts";

/** What stands in the composer: empty, or what could not be sent with the reason. */
export interface Draft {
  message: string;
  clientId: string;
  error?: string;
}

/** The conversation beside the list; `pageId` names this showing of it. */
export async function chatPage(
  response: Response,
  page: Page,
  draft: Draft,
  pageId: string,
): Promise<Answer & { content: string }> {
  const { conversation } = page;
  const actor = actorOf(response);
  const [people, status, unreadTitle] = await Promise.all([
    listPeople(actor, { q: "", after: null, limit: PEOPLE_PAGE }),
    statusOf(conversation, clockOf(response)),
    unreadTitleOf(actor),
  ]);
  const { locale } = response.locals;
  const content = await renderPage(response, "chat", {
    title: translate(locale, "chat.with", { name: shownName(conversation.username, locale) }),
    people: peopleContext(response, { q: "" }, people, { currentId: conversation.userId }),
    chat: { ...chatContext(response, page, draft), ...status },
    seenImage: `/chat/${conversation.userId}/messages/${page.messages.at(-1)?.seq ?? 0}/seen.gif`,
    unreadTitle,
    blank: {},
    here: `/chat/${conversation.userId}`,
    pageId,
  });
  return { content, topics: [...topicsOf(actor.userId, people), presenceTopic(conversation.userId)] };
}

function chatContext(response: Response, page: Page, draft: Draft) {
  const { conversation, messages } = page;
  const address = `/chat/${conversation.userId}/messages`;
  const shown = messages.at(-1)?.seq ?? 0;
  // Changes come in the order they were made, which need not be that of the messages.
  const first = Math.min(...messages.map(({ seq }) => seq));
  return {
    user: { id: conversation.userId, username: shownName(conversation.username, response.locals.locale) },
    draft,
    // What was typed before the account was deleted is shown all the same.
    isReadOnly: conversation.username === "" && draft.message === "",
    conversationId: conversation.id ?? "",
    lastRev: page.lastRev,
    receipts: conversation.other,
    items: itemsOf(messages, viewerOf(response).id, conversation.other, clockOf(response)),
    olderUrl: messages.length > 0 && first > 1 ? `${address}?before=${first}` : null,
    newerUrl: page.newer ? newerUrl(conversation.userId, shown, conversation.lastSeq) : null,
    empty: messages.length === 0,
    zoneNote: response.locals.timeZone === "UTC" ? translate(response.locals.locale, "time.utcNote") : null,
  };
}

/** Half a page further on, so that the eye finds its place; the newest page has the plain address. */
function newerUrl(userId: number, shown: number, lastSeq: number): string {
  const isNearEnd = lastSeq - shown <= MESSAGES_PAGE / 2;
  return isNearEnd ? `/chat/${userId}` : `/chat/${userId}/messages?around=${shown + MESSAGES_PAGE / 2}`;
}

/** Messages a page. */
export const MESSAGES_PAGE = 50;

/** Messages with a separator before the first of each day. */
function itemsOf(messages: Message[], viewerId: number, other: Cursors, clock: Clock) {
  let day = "";
  return messages.flatMap((message) => {
    const date = new Date(message.timestamp);
    const isNewDay = dateOf(date, clock) !== day;
    day = dateOf(date, clock);
    const item = { message: viewedBy(message, viewerId, other, clock) };
    return isNewDay ? [{ day: { date: day, label: dayLabel(date, clock) } }, item] : [item];
  });
}

/** A message as one of the two sees it: its side, its state for the sender, and the reader's clock. */
function viewedBy(message: Message, viewerId: number, other: Cursors, clock: Clock) {
  const own = message.senderId === viewerId;
  const date = new Date(message.timestamp);
  return {
    ...messageContext(message),
    sender: shownName(message.sender, clock.locale),
    own,
    state: own ? stateOf(message.seq, other) : "",
    time: timeOf(date, clock),
  };
}

function stateOf(seq: number, other: Cursors): "sent" | "delivered" | "read" {
  if (seq <= other.readSeq) return "read";
  return seq <= other.deliveredSeq ? "delivered" : "sent";
}

async function statusOf({ userId, lastSeenAt }: Page["conversation"], clock: Clock) {
  const state = (await onlineByUser([userId])).get(userId) ?? "unknown";
  return { online: state, statusText: statusText(state, lastSeenAt, clock) };
}

function statusText(online: "true" | "false" | "unknown", lastSeen: Date | null, clock: Clock): string {
  if (online === "unknown") return translate(clock.locale, "status.unknown");
  if (online === "true") return translate(clock.locale, "status.online");
  if (lastSeen === null) return translate(clock.locale, "status.offline");
  return translate(clock.locale, "status.lastSeen", { when: whenLabel(lastSeen, clock) });
}
