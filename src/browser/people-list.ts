import type { Message } from "../messages/message.ts";
import type { ConversationRow } from "../realtime/events.ts";
import { setUnreadConversations } from "./behaviors/title.ts";
import { elementOf, find, t, viewerId } from "./page.ts";
import { otherId } from "./timeline.ts";
import { shortTime } from "./times.ts";

/** The rows of the list of people as elements. */

const BADGE_MAX = 99;
const PREVIEW_MAX = 80;

export const people = find("[data-people]", HTMLElement);

export const personRows = () =>
  [...(people?.children ?? [])].filter((row): row is HTMLElement => row instanceof HTMLElement);

export function rowOf(userId: number): HTMLElement | null {
  return people?.querySelector<HTMLElement>(`:scope > [data-user-id="${userId}"]`) ?? null;
}

export function rowOfConversation(id: number): HTMLElement | null {
  return people?.querySelector<HTMLElement>(`:scope > [data-conversation-id="${id}"]`) ?? null;
}

/** A new row as the server drew it, in this reader's words and time. */
export function madeRow(row: ConversationRow): HTMLElement {
  const element = elementOf(row.html);
  if (row.userId === otherId) element.querySelector("a")?.setAttribute("aria-current", "page");
  showRowTime(element);
  return element;
}

/** Puts these rows first, in this order; those that stand right and say the same are not touched. */
export function arrange(rows: ConversationRow[]): void {
  if (!people) return;
  const focused = document.activeElement;
  for (const [index, row] of rows.entries()) {
    const element = updated(row);
    const there = people.children[index] ?? null;
    if (there !== element) people.insertBefore(element, there);
  }
  // Moving an element takes the focus from it.
  if (focused instanceof HTMLElement && focused !== document.activeElement && people.contains(focused))
    focused.focus({ preventScroll: true });
}

/** The row as it stands, made to say what the server says now; a new one for somebody new. */
export function updated(row: ConversationRow): HTMLElement {
  const fresh = madeRow(row);
  const held = rowOf(row.userId);
  if (!held) return fresh;
  // News that came while the answer was on its way is younger than the answer.
  if (Number(held.dataset.lastSeq) > row.lastSeq) return held;
  for (const name of ["data-conversation-id", "data-last-seq", "data-unread"])
    held.setAttribute(name, fresh.getAttribute(name) ?? "");
  for (const part of [".name", ".when", ".preview", ".badge", ".unread"]) {
    const [old, now] = [held.querySelector(part), fresh.querySelector(part)];
    if (old && now && old.outerHTML !== now.outerHTML) old.replaceWith(now);
  }
  return held;
}

/** The latest message below a person's name. */
export function showPreview(row: HTMLElement, { senderId, message, timestamp, deletedAt }: Message): void {
  const preview = find(".preview", HTMLElement, row);
  const text = deletedAt
    ? t("chat.deleted")
    : [...message.replace(/\s+/g, " ")].slice(0, PREVIEW_MAX).join("");
  if (preview) preview.textContent = senderId === viewerId ? `${t("people.you")} ${text}` : text;
  const time = document.createElement("time");
  time.dateTime = timestamp;
  find(".when", HTMLElement, row)?.replaceChildren(time);
  showRowTime(row);
}

/** A row's badge, its words, and the number in the title. */
export function setUnread(row: HTMLElement, unread: number): void {
  const before = Number(row.dataset.unread);
  row.dataset.unread = String(unread);
  const badge = find(".badge", HTMLElement, row);
  const label = find(".unread", HTMLElement, row);
  if (badge) badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
  if (label) label.textContent = unread > 0 ? t("people.unread", { count: unread }) : "";
  setUnreadConversations((count) => count + Math.sign(unread) - Math.sign(before));
}

/** The time today, else the date, in the reader's zone. */
export function showRowTime(row: HTMLElement): void {
  const time = row.querySelector("time");
  const text = time?.dateTime ? shortTime(new Date(time.dateTime)) : "";
  if (time && time.textContent !== text) time.textContent = text;
}
