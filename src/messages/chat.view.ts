import type { Response } from "express";
import {
  listPeople,
  onlineByUser,
  type PeoplePage,
  topicsOf,
  unreadTitleOf,
} from "../conversations/people.ts";
import { PEOPLE_PAGE, peopleContext } from "../conversations/people.view.ts";
import type { Answer } from "../platform/answers.ts";
import { actorOf, clockOf } from "../platform/context.ts";
import { translate } from "../platform/i18n.ts";
import { type Clock, whenLabel } from "../platform/times.ts";
import { renderPage } from "../platform/views.ts";
import { shownName } from "../users/shown-name.ts";
import type { Part } from "./messages.ts";
import { MESSAGES_PAGE, type Talk, talkWith } from "./talk.view.ts";

/** What stands in the composer: empty, or what could not be sent with the reason. */
export interface Draft {
  message: string;
  clientId: string;
  error?: string;
}

/** Whose conversation, and which part of it. */
interface Shown {
  userId: number;
  part: Part;
}

/** The conversation beside the list; `pageId` names this showing of it. */
export async function chatPage(
  response: Response,
  { userId, part }: Shown,
  draft: Draft,
  pageId: string,
): Promise<Answer & { content: string }> {
  const actor = actorOf(response);
  const [talk, people, unreadTitle] = await Promise.all([
    talkWith(response, userId, part),
    listPeople(actor, { q: "", after: null, limit: PEOPLE_PAGE }),
    unreadTitleOf(actor),
  ]);
  const { conversation } = talk;
  const status = await statusOf(conversation, people, clockOf(response));
  const { locale } = response.locals;
  const content = await renderPage(response, "chat", {
    title: translate(locale, "chat.with", { name: shownName(conversation.username, locale) }),
    people: peopleContext(response, { q: "" }, people, { currentId: conversation.userId }),
    chat: { ...chatContext(response, talk, draft), ...status },
    seenImage: `/chat/${conversation.userId}/messages/${talk.last}/seen.gif`,
    unreadTitle,
    blank: {},
    here: `/chat/${conversation.userId}`,
    pageId,
  });
  return { content, topics: [...topicsOf(actor.userId, people), ...talk.topics] };
}

function chatContext(response: Response, talk: Talk, draft: Draft) {
  const { conversation, first, last } = talk;
  const address = `/chat/${conversation.userId}/messages`;
  return {
    user: { id: conversation.userId, username: shownName(conversation.username, response.locals.locale) },
    draft,
    // What was typed before the account was deleted is shown all the same.
    isReadOnly: conversation.username === "" && draft.message === "",
    conversationId: conversation.id ?? "",
    lastRev: talk.lastRev,
    receipts: conversation.other,
    html: talk.html,
    olderUrl: first > 1 ? `${address}?before=${first}` : null,
    newerUrl: talk.newer ? newerUrl(conversation.userId, last, conversation.lastSeq) : null,
    empty: last === 0,
    zoneNote: response.locals.timeZone === "UTC" ? translate(response.locals.locale, "time.utcNote") : null,
  };
}

/** Half a page further on, so that the eye finds its place; the newest page has the plain address. */
function newerUrl(userId: number, shown: number, lastSeq: number): string {
  const isNearEnd = lastSeq - shown <= MESSAGES_PAGE / 2;
  return isNearEnd ? `/chat/${userId}` : `/chat/${userId}/messages?around=${shown + MESSAGES_PAGE / 2}`;
}

/** Whoever stands in the list is shown as there. */
async function statusOf({ userId, lastSeenAt }: Talk["conversation"], { rows }: PeoplePage, clock: Clock) {
  const listed = rows.find((row) => row.userId === userId)?.online;
  const state = listed ?? (await onlineByUser([userId])).get(userId) ?? "unknown";
  return { online: state, statusText: statusText(state, lastSeenAt, clock) };
}

function statusText(online: "true" | "false" | "unknown", lastSeen: Date | null, clock: Clock): string {
  if (online === "unknown") return translate(clock.locale, "status.unknown");
  if (online === "true") return translate(clock.locale, "status.online");
  if (lastSeen === null) return translate(clock.locale, "status.offline");
  return translate(clock.locale, "status.lastSeen", { when: whenLabel(lastSeen, clock) });
}
