import type { Response } from "express";
import { clockOf, viewerOf } from "../platform/context.ts";
import { translate } from "../platform/i18n.ts";
import { type Clock, shortTimeOf } from "../platform/times.ts";
import { renderPartial } from "../platform/views.ts";
import type { ConversationRow } from "../realtime/events.ts";
import { type Avatar, avatarOf, avatarSheet } from "../users/avatars.ts";
import { shownName } from "../users/shown-name.ts";
import type { PeoplePage, Person } from "./people.ts";

/** Rows a page: what a tall screen shows at first, so that pictures nobody sees are not loaded. */
export const PEOPLE_PAGE = 20;

const PREVIEW_MAX = 80;
const BADGE_MAX = 99;

/** What `people.hbs` shows. */
export function peopleContext(
  response: Response,
  { q }: { q: string },
  page: PeoplePage,
  { h1 = false, currentId }: { h1?: boolean; currentId?: number },
) {
  const viewer = viewerOf(response);
  const avatarIn = avatarSheet([viewer.id, ...page.rows.map((row) => row.userId)]);
  const current = page.rows.find((row) => row.userId === currentId);
  const address = new URLSearchParams({ ...(q ? { q } : {}), after: page.next ?? "" });
  return {
    ...{ q, h1, viewerAvatar: avatarIn(viewer.id) },
    currentAvatar: current && avatarIn(current.userId),
    rows: page.rows.map((row) => ({
      ...personContext(row, viewer.id, clockOf(response), avatarIn(row.userId)),
      current: row.userId === currentId,
    })),
    moreUrl: page.next === null ? null : `/?${address}`,
  };
}

/** What `person.hbs` shows. */
function personContext(person: Person, viewerId: number, clock: Clock, avatar: Avatar) {
  const { lastMessage, unread } = person;
  return {
    ...{ userId: person.userId, username: shownName(person.username, clock.locale), online: person.online },
    ...{ conversationId: person.conversationId ?? "", lastSeq: person.lastSeq, unread, avatar },
    badge: unread > BADGE_MAX ? `${BADGE_MAX}+` : unread,
    unreadLabel: unread > 0 ? translate(clock.locale, "people.unread", { count: unread }) : "",
    preview: lastMessage ? previewOf(lastMessage.message) : "",
    previewOwn: lastMessage?.senderId === viewerId,
    lastTime: lastMessage ? shortTimeOf(new Date(lastMessage.timestamp), clock) : "",
    lastTimestamp: lastMessage?.timestamp ?? "",
  };
}

/** The text's beginning on one line, cut between characters. */
function previewOf(message: string): string {
  const line = message.replace(/\s+/g, " ");
  // Never more characters than units, and quicker to know.
  return line.length <= PREVIEW_MAX ? line : [...line].slice(0, PREVIEW_MAX).join("");
}

/** A row with its markup, for lists that grow and live news. */
export function personWithHtml(person: Person, viewerId: number, clock: Clock): ConversationRow {
  const context = personContext(person, viewerId, clock, avatarOf(person.userId));
  return { ...person, html: renderPartial("person", context, clock) };
}
