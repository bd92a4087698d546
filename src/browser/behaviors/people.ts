import type { Message } from "../../messages/message.ts";
import type { ConversationRow, ReceiptUpdate } from "../../realtime/events.ts";
import { elementOf, find, t, throttled, viewerId } from "../page.ts";
import { onNews, onRefresh, request } from "../realtime.ts";
import { otherId } from "../timeline.ts";
import { shortTime } from "../times.ts";
import { watch } from "./presence.ts";
import { has } from "./receipts.ts";
import { setUnreadConversations } from "./title.ts";

/** The list of people: order, badges and previews as messages come; search as one types; more on scrolling. */

const SEARCH_MS = 120;
const ROWS = 20;
const BADGE_MAX = 99;
const PREVIEW_MAX = 80;

const list = find("[data-people]", HTMLElement);
const search = find("[data-search] input", HTMLInputElement);
const rowOf = (userId: number) =>
  list?.querySelector<HTMLElement>(`:scope > [data-user-id="${userId}"]`) ?? null;
const isFiltered = () => (search?.value.trim() ?? "") !== "";

export function startPeople(): void {
  if (!list) return;
  for (const row of list.children) if (row instanceof HTMLElement) showRowTime(row);
  onNews("receiveMessage", takeMessage);
  onNews("updateReceipts", takeReceipts);
  onRefresh(() => void refreshList());
  startSearch();
  startMore();
  watch(list);
}

/** A conversation has something new: its row changes and goes to the top. */
function takeMessage(message: Message): void {
  const userId = message.senderId === viewerId ? message.receiverId : message.senderId;
  const row = userId === null ? null : rowOf(userId);
  if (!row || !list) {
    refreshSoon();
    return;
  }
  const held = Number(row.dataset.lastSeq || 0);
  if (message.seq < held || (message.seq === held && message.rev === message.seq)) return;
  if (message.seq > held + 1) refreshSoon();
  if (message.seq > held) {
    row.dataset.lastSeq = String(message.seq);
    row.dataset.conversationId = String(message.conversationId);
    if (message.senderId !== viewerId) setUnread(row, Number(row.dataset.unread) + 1);
    if (!isFiltered()) list.prepend(row);
  }
  showPreview(row, message);
}

function showPreview(row: HTMLElement, { senderId, message, timestamp, deletedAt }: Message): void {
  const preview = find("[data-preview]", HTMLElement, row);
  const text = deletedAt ? t("chat.deleted") : message.replace(/\s+/g, " ").slice(0, PREVIEW_MAX);
  if (preview) preview.textContent = senderId === viewerId ? `${t("people.you")} ${text}` : text;
  const place = find("[data-last-time]", HTMLElement, row);
  const time = document.createElement("time");
  time.dateTime = timestamp;
  place?.replaceChildren(time);
  showRowTime(row);
}

/** Reading in one tab clears the badge in all. */
function takeReceipts({ userId, conversationId, unread, readSeq }: ReceiptUpdate): void {
  if (userId !== viewerId) return;
  const row = list?.querySelector<HTMLElement>(`:scope > [data-conversation-id="${conversationId}"]`);
  if (row) setUnread(row, readSeq >= Number(row.dataset.lastSeq) ? 0 : unread);
  else refreshSoon();
}

function setUnread(row: HTMLElement, unread: number): void {
  const before = Number(row.dataset.unread);
  row.dataset.unread = String(unread);
  const badge = find("[data-unread-badge]", HTMLElement, row);
  const label = find("[data-unread-label]", HTMLElement, row);
  if (badge) {
    badge.hidden = unread === 0;
    badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
  }
  if (label) label.textContent = unread > 0 ? t("people.unread", { count: unread }) : "";
  setUnreadConversations((count) => count + Math.sign(unread) - Math.sign(before));
}

function showRowTime(row: HTMLElement): void {
  const time = row.querySelector("time");
  if (time?.dateTime) time.textContent = shortTime(new Date(time.dateTime));
}

const refreshSoon = throttled(() => void refreshList(), 300);

/** Makes the top of the list what the server says, and tells it what this device now has. */
async function refreshList(): Promise<void> {
  if (!list) return;
  try {
    const { rows, unreadConversations } = await request("getConversations", { limit: ROWS });
    setUnreadConversations(() => unreadConversations);
    for (const row of rows) if (row.conversationId && row.lastSeq > row.own.deliveredSeq) hasAll(row);
    if (isFiltered()) for (const row of rows) rowOf(row.userId)?.replaceWith(made(row));
    else arrange(rows);
    watch(list);
  } catch {
    // Offline: the next refresh does it.
  }
}

function hasAll(row: ConversationRow): void {
  has({ conversationId: row.conversationId ?? 0, seq: row.lastSeq, senderId: row.userId });
}

/** Puts these rows first, in this order, and leaves the others where they are. */
function arrange(rows: ConversationRow[]): void {
  const focused = document.activeElement?.closest<HTMLElement>("[data-people] > li")?.dataset.userId;
  for (const row of rows) rowOf(row.userId)?.remove();
  list?.prepend(...rows.map(made));
  if (focused) rowOf(Number(focused))?.querySelector("a")?.focus({ preventScroll: true });
  showEmpty("");
}

function made(row: ConversationRow): HTMLElement {
  const element = elementOf(row.html);
  if (row.userId === otherId) element.querySelector("a")?.setAttribute("aria-current", "page");
  showRowTime(element);
  return element;
}

interface Page {
  rows: ConversationRow[];
  next: string | null;
}

async function fetchPage(address: string, signal?: AbortSignal): Promise<Page> {
  const response = await fetch(address, { headers: { accept: "application/json" }, signal: signal ?? null });
  if (!response.ok) throw new Error(`the list answered ${response.status}`);
  return response.json();
}

let searching: AbortController | undefined;

function startSearch(): void {
  const find = throttled(() => void showMatches(), SEARCH_MS);
  search?.addEventListener("input", find);
  search?.form?.addEventListener("submit", (event) => {
    event.preventDefault();
    void showMatches();
  });
}

async function showMatches(): Promise<void> {
  const q = search?.value.trim() ?? "";
  searching?.abort();
  searching = new AbortController();
  try {
    const page = await fetchPage(q ? `/?q=${encodeURIComponent(q)}` : "/", searching.signal);
    list?.replaceChildren(...page.rows.map(made));
    showMore(q, page.next);
    showEmpty(q);
    if (list) watch(list);
  } catch {
    // A newer search took over, or there is no network; what is shown stays.
  }
}

function showEmpty(q: string): void {
  const isEmpty = list?.childElementCount === 0;
  const nobody = find("[data-nobody]", HTMLElement);
  const noMatches = find("[data-no-matches]", HTMLElement);
  const text = find("[data-no-matches-text]", HTMLElement);
  if (nobody) nobody.hidden = !isEmpty || q !== "";
  if (noMatches) noMatches.hidden = !isEmpty || q === "";
  if (text && q) text.textContent = t("people.noMatches", { q });
}

const more = find("[data-more]", HTMLAnchorElement) ?? document.createElement("a");
let loading = false;

function showMore(q: string, next: string | null): void {
  more.hidden = next === null;
  if (next !== null) more.href = `/?${new URLSearchParams({ ...(q ? { q } : {}), after: next })}`;
}

function startMore(): void {
  more.addEventListener("click", (event) => {
    event.preventDefault();
    void loadMore();
  });
  new IntersectionObserver(([entry]) => entry?.isIntersecting && void loadMore(), {
    rootMargin: "200px",
  }).observe(more);
}

async function loadMore(): Promise<void> {
  if (loading || more.hidden || !more.href) return;
  loading = true;
  const address = new URL(more.href);
  try {
    const page = await fetchPage(address.pathname + address.search);
    const known = page.rows.filter((row) => !rowOf(row.userId));
    list?.append(...known.map(made));
    showMore(address.searchParams.get("q") ?? "", page.next);
    if (list) watch(list);
  } catch {
    // The link stays for another try.
  } finally {
    loading = false;
  }
}
