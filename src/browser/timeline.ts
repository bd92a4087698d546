import type { Message } from "../messages/message.ts";
import type { MessagesPage, MessageWithHtml } from "../realtime/events.ts";
import { finish, replace, showReceipts } from "./bubbles.ts";
import {
  byClientId,
  dropNeighbourRules,
  firstSeq,
  lastSeq,
  list,
  localize,
  place,
  placeFirst,
  placeLast,
  takeAway,
  takeStoredAway,
  trimFirst,
  trimLast,
} from "./message-list.ts";
import { copyOf, drawnFrame, elementOf, elementsOf, find, viewerId } from "./page.ts";
import { isConnected, onNews, onRefresh, Refused, request } from "./realtime.ts";
import { dayOf, showFullTime } from "./times.ts";

/** The open conversation as this tab shows it, kept true by `rev`. */

const PAGE = 200;
/** What fills most windows, at once; what is above comes slice by slice, as history. */
const NEWEST = 25;
/** Further behind than this, the newest page is loaded afresh instead of everything between. */
const BEHIND_MAX = 1000;
const RETRY_MS = 3000;
/** So many are shown in one frame: more would keep a slow device from drawing the next. */
const AT_ONCE = 6;

const chat = find("[data-chat]", HTMLElement);
/** The link to what is older; hidden when everything is here. */
export const olderLink = find("[data-older]", HTMLAnchorElement);

/** Who the conversation is with; 0 on pages without one. */
export const otherId = Number(chat?.dataset.userId ?? 0);
/** False while older history is shown on a page of its own, which does not grow. */
export const isLive = list !== null && !document.querySelector("[data-newer]");

let conversationId = Number(list?.dataset.conversationId ?? 0);
export const currentConversation = () => conversationId;
/** Every change up to this `rev` is shown. */
let cursor = Number(list?.dataset.lastRev ?? 0);
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
  dropNeighbourRules();
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

const arrived: MessageWithHtml[] = [];
let isShowing = false;

/** News of one message is shown at once; what else comes before the next frame is shown frame by frame. */
function receive(message: MessageWithHtml): void {
  if (!isHere(message)) return;
  adopt(message.conversationId);
  arrived.push(message);
  if (!isShowing) void showArrived();
}

async function showArrived(): Promise<void> {
  isShowing = true;
  try {
    while (arrived.length > 0) {
      for (const message of arrived.splice(0, AT_ONCE)) take(message);
      await drawnFrame();
    }
  } finally {
    isShowing = false;
  }
}

/** Only the next change moves the cursor, a gap is filled by asking. */
function take(message: MessageWithHtml): void {
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
    await showAll(page.messages);
    cursor = Math.max(cursor, page.messages.at(-1)?.rev ?? 0);
    if (page.more) continue;
    cursor = Math.max(cursor, page.lastRev);
    return;
  }
}

/** Frame by frame. */
async function showAll(messages: MessageWithHtml[]): Promise<void> {
  for (let start = 0; start < messages.length; start += AT_ONCE) {
    if (start > 0) await drawnFrame();
    for (const message of messages.slice(start, start + AT_ONCE)) show(message);
  }
}

async function startOver(): Promise<void> {
  const page = await request("getMessages", { userId: otherId, limit: NEWEST });
  takeStoredAway();
  isCut = false;
  for (const message of page.messages) show(message);
  if (olderLink) olderLink.hidden = !page.more;
  const isBehind = page.lastRev < cursor; // by news that came while the answer was on its way
  cursor = page.lastRev;
  if (isBehind) void catchUp();
}

/** True while the newest messages were taken away, far below what is being read. */
let isCut = false;
export const reachesNewest = () => !isCut;

/** Back to the newest messages, wherever one was reading. */
export async function showNewest(): Promise<void> {
  if (isCut) await startOver().catch(() => undefined); // offline: what was being read stays
}

/** The `rev` of news that was not shown, since a page of history was asked for. */
let passedOver = new Map<number, number>();

/** From now on; a page that was asked for before is older than what came meanwhile. */
export function forgetPassedOver(): void {
  passedOver = new Map();
}

/** Whether none of these has changed since. */
export const isFresh = (messages: Message[]) =>
  messages.every(({ seq, rev }) => rev >= (passedOver.get(seq) ?? 0));

/** Shows a message in its place, or its newer version in the place it has. */
function show(message: MessageWithHtml): void {
  const held = document.getElementById(`m${message.seq}`) ?? pendingOf(message);
  if (held && Number(held.dataset.rev || 0) >= message.rev) return;
  // What comes after an old page is not for here; nor is an older message that changed and was never loaded.
  if (!held && (!isLive || (message.seq < firstSeq() && olderLink?.hidden === false))) {
    passedOver.set(message.seq, message.rev);
    return;
  }
  const own = message.senderId === viewerId;
  // It comes when somebody scrolls down to it: shown now, it would stand beside what is missing before it.
  if (isCut && message.seq > lastSeq()) {
    if (held) takeAway(held);
    passedOver.set(message.seq, message.rev);
    grown(own);
    return;
  }
  const isNewest = !held && message.seq > lastSeq();
  const element = held ?? elementOf(message.html);
  if (held) replace(held, elementOf(message.html));
  finish(element, own);
  place(element);
  if (isNewest) grown(own);
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

/** Older messages, at the beginning of the list; the caller keeps the eye's place. */
export function showOlder(page: MessagesPage): void {
  placeFirst(drawn(page.messages));
  if (olderLink) olderLink.hidden = !page.more;
}

/** The same at the end of the list. News that is younger than the page was not shown: then there is more. */
export function showNewer(page: MessagesPage): void {
  const last = lastSeq(); // the last page reaches back to what is here
  placeLast(drawn(page.messages.filter(({ seq }) => seq > last)));
  isCut = page.newer || page.lastRev < cursor;
}

/** Takes the newest away, but not `kept` of what is before them. Whether any were. */
export function dropNewer(kept: number): boolean {
  const isDropped = trimLast(kept);
  if (isDropped) isCut = isLive;
  return isDropped;
}

/** Takes the oldest away, but not `kept` of what is behind them. Whether any were. */
export function dropOlder(kept: number): boolean {
  const isDropped = trimFirst(kept);
  if (isDropped && olderLink) olderLink.hidden = false;
  return isDropped;
}

function drawn(messages: MessageWithHtml[]): HTMLElement[] {
  const elements = elementsOf(messages.map(({ html }) => html).join(""));
  for (const element of elements) finish(element, Number(element.dataset.senderId) === viewerId);
  return elements;
}
