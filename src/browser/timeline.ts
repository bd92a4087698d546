import type { Message } from "../messages/message.ts";
import type { MessageWithHtml, ReceiptUpdate } from "../realtime/events.ts";
import {
  byClientId,
  firstSeq,
  lastSeq,
  list,
  localize,
  numbered,
  place,
  placeFirst,
  takeStoredAway,
} from "./message-list.ts";
import { copyOf, elementOf, find, t, viewerId } from "./page.ts";
import { isConnected, onNews, onRefresh, Refused, request } from "./realtime.ts";
import { dayOf, showFullTime, showTime } from "./times.ts";

/** The open conversation as this tab shows it, kept true by `rev`. */

const PAGE = 200;
const NEWEST = 50;
/** Further behind than this, the newest page is loaded afresh instead of everything between. */
const BEHIND_MAX = 1000;
const RETRY_MS = 3000;

const chat = find("[data-chat]", HTMLElement);
/** The link to what is older; hidden when everything is here. */
export const olderLink = find("[data-older]", HTMLAnchorElement);

/** Who the conversation is with; 0 on pages without one. */
export const otherId = Number(chat?.dataset.userId ?? 0);
/** False while older history is shown on a page of its own, which does not grow. */
export const isLive = list !== null && !document.querySelector("[data-newer]");

/** A message without text, from which pending ones are made. */
const blank = copyOf("[data-message-template]");

let conversationId = Number(list?.dataset.conversationId ?? 0);
export const currentConversation = () => conversationId;
/** Every change up to this `rev` is shown. */
let cursor = Number(list?.dataset.lastRev ?? 0);
let other = {
  deliveredSeq: Number(chat?.dataset.deliveredSeq ?? 0),
  readSeq: Number(chat?.dataset.readSeq ?? 0),
};

/** Told when something was added at the end; `own` when this person wrote it. */
type Listener = (own: boolean) => void;
const listeners: Listener[] = [];
export const onGrown = (listener: Listener) => void listeners.push(listener);

function grown(own: boolean): void {
  for (const listener of listeners) listener(own);
}

/** Makes what the server drew this reader's own, and keeps it true from now on. */
export function startTimeline(): void {
  if (!list) return;
  localize();
  list.addEventListener("pointerover", showFullTime);
  let today = dayOf(new Date());
  onNews("receiveMessage", receive);
  onRefresh(() => {
    if (today !== dayOf(new Date())) localize();
    today = dayOf(new Date());
    void catchUp();
  });
}

/** Whether a message belongs to the open conversation. */
export function isHere(message: Pick<Message, "conversationId" | "senderId" | "receiverId">): boolean {
  if (!list) return false;
  if (conversationId) return message.conversationId === conversationId;
  const people = [message.senderId, message.receiverId];
  return people.includes(otherId) && people.includes(viewerId);
}

/** News of one message: shown at once; only the next change moves the cursor, a gap is filled by asking. */
function receive(message: MessageWithHtml): void {
  if (!isHere(message)) return;
  adopt(message.conversationId);
  show(message);
  if (message.rev === cursor + 1) cursor = message.rev;
  else if (message.rev > cursor) void catchUp();
}

function adopt(id: number): void {
  conversationId = id;
  if (list) list.dataset.conversationId = String(id);
}

let catching = false;
let missed = false;

/** Asks for every change since the cursor, however many there are; tries again while it fails. */
async function catchUp(): Promise<void> {
  if (!isLive) return;
  missed = true;
  if (catching) return;
  catching = true;
  try {
    while (missed && isConnected()) {
      missed = false;
      await fetchChanges();
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    setTimeout(() => void catchUp(), RETRY_MS * (0.5 + Math.random()));
  } finally {
    catching = false;
  }
}

async function fetchChanges(): Promise<void> {
  for (;;) {
    const page = await request("getMessages", { userId: otherId, afterRev: cursor, limit: PAGE });
    if (page.conversationId !== null) adopt(page.conversationId);
    showReceipts(page.other);
    if (page.lastRev - cursor > BEHIND_MAX) return startOver();
    for (const message of page.messages) show(message);
    cursor = Math.max(cursor, page.messages.at(-1)?.rev ?? 0);
    if (page.more) continue;
    cursor = Math.max(cursor, page.lastRev);
    return;
  }
}

async function startOver(): Promise<void> {
  const page = await request("getMessages", { userId: otherId, limit: NEWEST });
  takeStoredAway();
  for (const message of page.messages) show(message);
  if (olderLink) olderLink.hidden = !page.more;
  cursor = page.lastRev;
}

/** Shows a message in its place, or its newer version in the place it has. */
function show(message: MessageWithHtml): void {
  const held = document.getElementById(`m${message.seq}`) ?? pendingOf(message);
  if (held && Number(held.dataset.rev || 0) >= message.rev) return;
  // What comes after an old page is not for here; nor is an older message that changed and was never loaded.
  if (!held && (!isLive || (message.seq < firstSeq() && olderLink?.hidden === false))) return;
  const own = message.senderId === viewerId;
  const isNewest = !held && message.seq > lastSeq();
  const element = held ?? elementOf(message.html);
  if (held) replace(held, elementOf(message.html));
  finish(element, own);
  place(element);
  if (isNewest) grown(own);
}

/** Only what differs, so that a screen reader does not read an own message a second time. */
function replace(held: HTMLElement, fresh: HTMLElement): void {
  for (const { name, value } of fresh.attributes) held.setAttribute(name, value);
  for (const part of [".sender", ".text", "time"]) {
    const [old, now] = [held.querySelector(part), fresh.querySelector(part)];
    if (old && now && old.outerHTML !== now.outerHTML) old.replaceWith(now);
  }
  held.querySelector(".failed")?.remove();
}

function pendingOf(message: Message): HTMLElement | null {
  return message.senderId === viewerId ? byClientId(message.clientId) : null;
}

/** An own message that is on its way, at the end of the list. */
export function showPending(clientId: string, text: string, at: number): HTMLElement | null {
  const element = copyOf("[data-message-template]");
  const body = element && find(".text", HTMLElement, element);
  const time = element && find("time", HTMLTimeElement, element);
  if (!element || !body || !time) return null;
  element.dataset.clientId = clientId;
  element.dataset.senderId = String(viewerId);
  body.textContent = text;
  time.dateTime = new Date(at).toISOString();
  finish(element, true);
  place(element);
  grown(true);
  return element;
}

/** What the server's neutral markup leaves to the viewer: side, state, local time, a word where there is no name. */
function finish(element: HTMLElement, own: boolean): void {
  element.classList.toggle("own", own);
  const sender = find(".sender", HTMLElement, element);
  if (!own && sender?.textContent === ":") sender.textContent = `${t("people.deleted")}:`;
  if (own && element.dataset.seq) setState(element, stateOf(Number(element.dataset.seq)));
  showTime(element);
}

function stateOf(seq: number): string {
  if (seq <= other.readSeq) return "read";
  return seq <= other.deliveredSeq ? "delivered" : "sent";
}

/** Ticks, and their words for those who do not see them. */
export function setState(element: HTMLElement, state: string): void {
  element.dataset.state = state;
  if (!element.querySelector(".ticks")) addTicks(element);
  const label = find(".ticks > span", HTMLElement, element);
  if (label) label.textContent = t(`state.${state}`);
}

/** The server's neutral markup has none: it does not know whose message it is. */
function addTicks(element: HTMLElement): void {
  const ticks = blank?.querySelector(".ticks")?.cloneNode(true);
  if (ticks) element.querySelector(".meta")?.append(ticks);
}

/** How far the other person is, as ticks on what this one wrote. */
export function showReceipts(cursors: Pick<ReceiptUpdate, "deliveredSeq" | "readSeq">): void {
  const deliveredSeq = Math.max(other.deliveredSeq, cursors.deliveredSeq);
  const readSeq = Math.max(other.readSeq, cursors.readSeq);
  if (deliveredSeq === other.deliveredSeq && readSeq === other.readSeq) return;
  other = { deliveredSeq, readSeq };
  for (const element of numbered().reverse()) {
    if (!element.classList.contains("own")) continue;
    if (element.dataset.state === "read") return;
    setState(element, stateOf(Number(element.dataset.seq)));
  }
}

/** Older messages, at the beginning of the list; the caller keeps the eye's place. */
export function showOlder(messages: MessageWithHtml[]): void {
  const elements = messages.map((message) => {
    const element = elementOf(message.html);
    finish(element, message.senderId === viewerId);
    return element;
  });
  placeFirst(elements);
}
