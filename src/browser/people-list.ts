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

/** A new row as the server drew it, in this reader's words and time; null where its markup is missing. */
export function madeRow(row: ConversationRow): HTMLElement | null {
  if (!row.html) return null;
  const element = elementOf(row.html);
  if (row.userId === otherId) element.querySelector("a")?.setAttribute("aria-current", "page");
  showRowTime(element);
  return element;
}

/** Puts these rows first, in this order; those that stand right and say the same are not touched. */
export function arrange(rows: ConversationRow[]): void {
  if (!people) return;
  const focused = document.activeElement;
  const elements = rows.map(updated).filter((element) => element !== null);
  for (const [index, element] of elements.entries()) {
    const there = people.children[index] ?? null;
    if (there !== element) people.insertBefore(element, there);
  }
  // Moving an element takes the focus from it.
  if (focused instanceof HTMLElement && focused !== document.activeElement && people.contains(focused))
    focused.focus({ preventScroll: true });
}

/** The row as it stands, made to say what the server says now; a new one for somebody new. */
export function updated(row: ConversationRow): HTMLElement | null {
  const held = rowOf(row.userId);
  if (!held) return madeRow(row);
  // News that came while the answer was on its way is younger than the answer.
  if (Number(held.dataset.lastSeq) > row.lastSeq) return held;
  held.dataset.conversationId = String(row.conversationId ?? "");
  held.dataset.lastSeq = String(row.lastSeq);
  write(held, ".name", row.username || t("people.deleted"));
  if (row.lastMessage) showPreview(held, { ...row.lastMessage, deletedAt: null });
  showUnread(held, row.unread);
  return held;
}

/** Only what differs, so that nothing is laid out or read out anew. */
function write(row: HTMLElement, part: string, text: string): void {
  const element = row.querySelector(part);
  if (element && element.textContent !== text) element.textContent = text;
}

type Latest = Pick<Message, "senderId" | "message" | "timestamp" | "deletedAt">;

/** The latest message below a person's name. */
export function showPreview(row: HTMLElement, { senderId, message, timestamp, deletedAt }: Latest): void {
  const text = deletedAt
    ? t("chat.deleted")
    : [...message.replace(/\s+/g, " ")].slice(0, PREVIEW_MAX).join("");
  write(row, ".preview", senderId === viewerId ? `${t("people.you")} ${text}` : text);
  if (row.querySelector("time")?.dateTime !== timestamp) {
    const time = document.createElement("time");
    time.dateTime = timestamp;
    row.querySelector(".when")?.replaceChildren(time);
  }
  showRowTime(row);
}

/** A row's badge, its words, and the number in the title. */
export function setUnread(row: HTMLElement, unread: number): void {
  const before = Number(row.dataset.unread);
  showUnread(row, unread);
  setUnreadConversations((count) => count + Math.sign(unread) - Math.sign(before));
}

function showUnread(row: HTMLElement, unread: number): void {
  if (row.dataset.unread === String(unread)) return;
  row.dataset.unread = String(unread);
  write(row, ".badge", unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread));
  write(row, ".unread", unread > 0 ? t("people.unread", { count: unread }) : "");
}

/** The time today, else the date, in the reader's zone. */
export function showRowTime(row: HTMLElement): void {
  const time = row.querySelector("time");
  const text = time?.dateTime ? shortTime(new Date(time.dateTime)) : "";
  if (time && time.textContent !== text) time.textContent = text;
}
