import { copyOf, find } from "./page.ts";
import { dayLabel, dayOf, showTime } from "./times.ts";

/** The list of messages as elements: in the order of `seq`, what is not stored yet last, one separator a day. */

export const list = find("[data-messages]", HTMLElement);
const empty = find("[data-empty]", HTMLElement);

const messages = () => [...(list?.querySelectorAll<HTMLElement>(":scope > .message") ?? [])];
/** The messages that are stored. */
export const numbered = () => [...(list?.querySelectorAll<HTMLElement>(":scope > .message[data-seq]") ?? [])];
const isOwn = (element: HTMLElement) => element.classList.contains("own");
const seqOf = (element: HTMLElement) => Number(element.dataset.seq || Number.POSITIVE_INFINITY);

/** The smallest and the largest number shown; 0 while nothing is. */
export const firstSeq = () => Number(list?.querySelector<HTMLElement>(":scope > .message")?.dataset.seq || 0);
export function lastSeq(): number {
  let element = list?.lastElementChild ?? null;
  while (element instanceof HTMLElement && !element.dataset.seq) element = element.previousElementSibling;
  return element instanceof HTMLElement ? Number(element.dataset.seq) : 0;
}

/** The first stored message that ends below a line, in px from the top of the window. */
export function firstBelow(line: number): HTMLElement | undefined {
  const shown = numbered();
  let [from, to] = [0, shown.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((shown[middle]?.getBoundingClientRect().bottom ?? 0) > line) to = middle;
    else from = middle + 1;
  }
  return shown[from];
}

/** The element of an own message by its id, whether or not it is stored yet. */
export function byClientId(clientId: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`:scope > [data-client-id="${CSS.escape(clientId)}"]`) ?? null;
}

/** Puts an element behind the last one with a smaller number; one that stands there already does not move. */
export function place(element: HTMLElement): void {
  const seq = seqOf(element);
  if (!element.parentElement) list?.append(element);
  if (empty) empty.hidden = true;
  let before = messageBefore(element);
  let after = messageAfter(element);
  while (before && seqOf(before) > seq) before = messageBefore(before);
  while (after && seqOf(after) < seq) after = messageAfter(after);
  if (before !== messageBefore(element)) before ? before.after(element) : list?.prepend(element);
  else if (after !== messageAfter(element)) after ? after.before(element) : list?.append(element);
  separate(messageBefore(element), element);
  separate(element, messageAfter(element));
}

/** Older messages, at the beginning. */
export function placeFirst(elements: HTMLElement[]): void {
  const first = messages()[0];
  list?.prepend(...elements);
  separateAll(first ? [...elements, first] : elements);
}

/** Newer messages, behind the last that is stored. */
export function placeLast(elements: HTMLElement[]): void {
  const shown = messages();
  const index = shown.findLastIndex(({ dataset }) => dataset.seq);
  const [before, waiting] = [shown[index], shown[index + 1]];
  if (before) before.after(...elements);
  else list?.prepend(...elements);
  separateAll(waiting ? [...elements, waiting] : elements, before);
}

/** Takes a message away, and its day's separator with the last of the day. */
export function takeAway(element: HTMLElement): void {
  const [before, after] = [messageBefore(element), messageAfter(element)];
  element.remove();
  if (after) separate(before, after);
  else while (list?.lastElementChild && list.lastElementChild !== before) list.lastElementChild.remove();
  if (empty && !before && !after) empty.hidden = false;
}

/** Takes the oldest away until `kept` are left. Whether any were. */
export function trimFirst(kept: number): boolean {
  const shown = messages();
  const gone = shown.slice(0, Math.max(0, shown.length - kept));
  for (const element of gone) element.remove();
  separate(null, messages()[0] ?? null);
  return gone.length > 0;
}

/** Takes the newest away until `kept` are left, unless something waits behind them. Whether any were. */
export function trimLast(kept: number): boolean {
  const shown = numbered();
  const last = shown[kept - 1];
  if (!list || !last || shown.length === kept || shown.length < messages().length) return false;
  while (list.lastElementChild && list.lastElementChild !== last) list.lastElementChild.remove();
  return true;
}

/** Takes everything away that is stored. */
export function takeStoredAway(): void {
  for (const element of numbered()) element.remove();
  separateAll(messages());
}

/**
 * From now on a class says where another one speaks: with rules about neighbours the browser styles the whole list anew
 * for each message that comes or goes.
 */
export function dropNeighbourRules(): void {
  const sheet = find("link[rel=stylesheet]", HTMLLinkElement)?.sheet;
  const rules = [...(sheet?.cssRules ?? [])];
  const index = rules.findIndex((rule) => rule instanceof CSSLayerBlockRule && rule.name === "neighbours");
  if (index >= 0) sheet?.deleteRule(index);
}

/** Writes times and days in this reader's zone, as of now: yesterday's "Today" is wrong after midnight. */
export function localize(): void {
  const shown = messages();
  for (const element of shown) showTime(element);
  separateAll(shown);
  for (const element of shown) {
    const held = element.previousElementSibling;
    const date = dateOf(element);
    if (date && held instanceof HTMLElement && held.dataset.day) writeDay(held, date);
  }
}

/** Each from the one before it; `before` is what stands before the first of them, nothing at the list's beginning. */
function separateAll(elements: HTMLElement[], before: HTMLElement | null = null): void {
  for (const [index, element] of elements.entries()) separate(elements[index - 1] ?? before, element);
}

/** One separator between two neighbours of different days, and none between others; more room between two speakers. */
function separate(before: HTMLElement | null, after: HTMLElement | null): void {
  if (!after) return;
  const [from, to] = [dateOf(before), dateOf(after)];
  const day = to && (!from || dayOf(from) !== dayOf(to)) ? dayOf(to) : null;
  after.classList.toggle("turn", !day && before !== null && isOwn(before) !== isOwn(after));
  const held = after.previousElementSibling;
  if (
    day &&
    held instanceof HTMLElement &&
    held.dataset.day === day &&
    held.previousElementSibling === before
  )
    return;
  for (let each = after.previousElementSibling; each && each !== before; each = after.previousElementSibling)
    each.remove();
  if (day && to) after.before(separator(day, to));
}

function separator(day: string, date: Date): HTMLElement | string {
  const element = copyOf("[data-day-template]");
  if (!element) return "";
  element.dataset.day = day;
  writeDay(element, date);
  return element;
}

function writeDay(separator: HTMLElement, date: Date): void {
  const label = separator.firstElementChild;
  const text = dayLabel(date);
  if (label && label.textContent !== text) label.textContent = text;
}

function dateOf(element: HTMLElement | null): Date | null {
  const time = element?.querySelector("time")?.dateTime;
  return time ? new Date(time) : null;
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
