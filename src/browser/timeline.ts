import type { Message } from "../messages/message.ts";
import type { MessageWithHtml, ReceiptUpdate } from "../realtime/events.ts";
import { copyOf, elementOf, find, t, viewerId } from "./page.ts";
import { isConnected, Refused, request } from "./realtime.ts";
import { dayLabel, dayOf, showTime } from "./times.ts";

/** The open conversation as this tab shows it: one element a message, in the order of `seq`. */

const PAGE = 200;
/** Further behind than this, the newest page is loaded afresh instead of everything between. */
const BEHIND_MAX = 1000;

const chat = find("[data-chat]", HTMLElement);
const list = find("[data-messages]", HTMLElement);

/** Who the conversation is with; 0 on pages without one. */
export const otherId = Number(chat?.dataset.userId ?? 0);
/** False while older history is shown on a page of its own, which does not grow. */
export const isLive = list !== null && !document.querySelector("[data-newer]");

let conversationId = Number(list?.dataset.conversationId ?? 0);
/** Every change up to this `rev` is shown. */
let cursor = Number(list?.dataset.lastRev ?? 0);
let other = {
  deliveredSeq: Number(chat?.dataset.deliveredSeq ?? 0),
  readSeq: Number(chat?.dataset.readSeq ?? 0),
};

const elements = () => [...(list?.querySelectorAll<HTMLElement>(":scope > .message") ?? [])];
const numbered = () => [
  ...(list?.querySelectorAll<HTMLElement>(":scope > .message[data-seq]:not([data-seq=''])") ?? []),
];
const seqOf = (element: HTMLElement) => Number(element.dataset.seq || Number.POSITIVE_INFINITY);

/** The smallest and the largest number shown; 0 while nothing is. */
export const firstSeq = () => Number(numbered()[0]?.dataset.seq ?? 0);
export const lastSeq = () => Number(numbered().at(-1)?.dataset.seq ?? 0);
export const messageElements = numbered;

/** Told when something was added at the end; `own` when this person wrote it. */
type Listener = (own: boolean) => void;
const listeners: Listener[] = [];
export const onGrown = (listener: Listener) => void listeners.push(listener);

/** Whether a message belongs to the open conversation. */
export function isHere(message: Pick<Message, "conversationId" | "senderId" | "receiverId">): boolean {
  if (!list) return false;
  if (conversationId) return message.conversationId === conversationId;
  const people = [message.senderId, message.receiverId];
  return people.includes(otherId) && people.includes(viewerId);
}

/** News of one message: shown at once; only the next change moves the cursor, a gap is filled by asking. */
export function receive(message: MessageWithHtml): void {
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

/** Asks for every change since the cursor, however many there are. */
export async function catchUp(): Promise<void> {
  if (!list || !isLive) return;
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
  const page = await request("getMessages", { userId: otherId, limit: 50 });
  for (const element of list?.querySelectorAll(":scope > .message:not([data-seq='']), :scope > .day") ?? [])
    element.remove();
  for (const message of page.messages) show(message);
  cursor = page.lastRev;
}

/** Shows a message in its place, or its newer version in the place it has. */
export function show(message: MessageWithHtml): void {
  if (!list) return;
  const held = document.getElementById(`m${message.seq}`) ?? pendingOf(message);
  if (held && Number(held.dataset.rev || 0) >= message.rev) return;
  // An older message that changed and was never loaded is not for here; nor is what comes after an old page.
  if (!held && !isLive) return;
  if (!held && message.seq < firstSeq() && find("[data-older]", HTMLElement)) return;
  const isLast = !held && message.seq > lastSeq();
  const element = elementOf(message.html);
  if (held) replace(held, element);
  else insert(element);
  const shown = held ?? element;
  finish(shown, message.senderId === viewerId);
  placeInOrder(shown);
  if (isLast) for (const listener of listeners) listener(message.senderId === viewerId);
}

/** In place, so that a screen reader does not read an own message a second time. */
function replace(held: HTMLElement, fresh: HTMLElement): void {
  for (const { name, value } of fresh.attributes) held.setAttribute(name, value);
  held.replaceChildren(...fresh.childNodes);
}

function pendingOf(message: Message): HTMLElement | null {
  return message.senderId === viewerId ? byClientId(message.clientId) : null;
}

/** The element of an own message by its id, whether or not it is stored yet. */
export function byClientId(clientId: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`:scope > [data-client-id="${CSS.escape(clientId)}"]`) ?? null;
}

/** An own message that is on its way, at the end of the list. */
export function showPending(clientId: string, text: string, at: number): HTMLElement | null {
  const element = copyOf("[data-message-template]");
  const body = element && find(".text", HTMLElement, element);
  const time = element && find("time", HTMLTimeElement, element);
  if (!element || !body || !time) return null;
  element.removeAttribute("id");
  element.dataset.clientId = clientId;
  element.dataset.senderId = String(viewerId);
  body.textContent = text;
  time.dateTime = new Date(at).toISOString();
  insert(element);
  finish(element, true);
  setState(element, "pending");
  placeInOrder(element);
  for (const listener of listeners) listener(true);
  return element;
}

function insert(element: HTMLElement): void {
  list?.append(element);
  const empty = find("[data-empty]", HTMLElement);
  if (empty) empty.hidden = true;
}

/** What the server's neutral markup leaves to the viewer: side, state, local time. */
function finish(element: HTMLElement, own: boolean): void {
  element.classList.toggle("own", own);
  if (own && element.dataset.seq) setState(element, stateOf(Number(element.dataset.seq)));
  showTime(element);
}

function stateOf(seq: number): string {
  if (seq <= other.readSeq) return "read";
  return seq <= other.deliveredSeq ? "delivered" : "sent";
}

export function setState(element: HTMLElement, state: string): void {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  const label = find("[data-state-label]", HTMLElement, element);
  if (label) label.textContent = t(`state.${state}`);
}

/** Moves an element behind the last one with a smaller number, and keeps one separator a day. */
function placeInOrder(element: HTMLElement): void {
  const seq = seqOf(element);
  let before = messageBefore(element);
  let after = messageAfter(element);
  while (before && seqOf(before) > seq) before = messageBefore(before);
  while (after && seqOf(after) < seq) after = messageAfter(after);
  if (before !== messageBefore(element)) before ? before.after(element) : list?.prepend(element);
  else if (after !== messageAfter(element)) after ? after.before(element) : list?.append(element);
  separate(messageBefore(element), element);
  separate(element, messageAfter(element));
}

function messageBefore(element: Element): HTMLElement | null {
  const sibling = element.previousElementSibling;
  if (!(sibling instanceof HTMLElement)) return null;
  return sibling.classList.contains("message") ? sibling : messageBefore(sibling);
}

function messageAfter(element: Element): HTMLElement | null {
  const sibling = element.nextElementSibling;
  if (!(sibling instanceof HTMLElement)) return null;
  return sibling.classList.contains("message") ? sibling : messageAfter(sibling);
}

function dateOf(element: HTMLElement | null): Date | null {
  const time = element?.querySelector("time")?.dateTime;
  return time ? new Date(time) : null;
}

/** One separator between two neighbours of different days, and none between others. */
function separate(before: HTMLElement | null, after: HTMLElement | null): void {
  if (!after) return;
  for (let each = after.previousElementSibling; each && each !== before; each = after.previousElementSibling)
    each.remove();
  const [from, to] = [dateOf(before), dateOf(after)];
  if (!to || (from && dayOf(from) === dayOf(to))) return;
  const separator = copyOf("[data-day-template]");
  if (!separator) return;
  separator.dataset.day = dayOf(to);
  const label = separator.firstElementChild;
  if (label) label.textContent = dayLabel(to);
  after.before(separator);
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

/** Writes times and days of what the server drew in this reader's zone. */
export function localize(): void {
  let before: HTMLElement | null = null;
  for (const element of elements()) {
    showTime(element);
    separate(before, element);
    before = element;
  }
}

/** Older messages, at the beginning of the list; the caller keeps the eye's place. */
export function prepend(messages: MessageWithHtml[]): void {
  const first = elements()[0] ?? null;
  const made = messages.map((message) => {
    const element = elementOf(message.html);
    finish(element, message.senderId === viewerId);
    return element;
  });
  list?.prepend(...made);
  let before: HTMLElement | null = null;
  for (const element of first ? [...made, first] : made) {
    separate(before, element);
    before = element;
  }
}

export const currentConversation = () => conversationId;
