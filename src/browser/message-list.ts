import { copyOf, find } from "./page.ts";
import { dayLabel, dayOf, showTime } from "./times.ts";

/** The list of messages as elements: in the order of `seq`, what is not stored yet last, one separator a day. */

export const list = find("[data-messages]", HTMLElement);
const empty = find("[data-empty]", HTMLElement);

const messages = () => [...(list?.querySelectorAll<HTMLElement>(":scope > .message") ?? [])];
/** The messages that are stored. */
export const numbered = () => [...(list?.querySelectorAll<HTMLElement>(":scope > .message[data-seq]") ?? [])];
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
  const before = numbered().at(-1);
  if (before) before.after(...elements);
  else list?.prepend(...elements);
  const waiting = messages().slice(numbered().length, numbered().length + 1);
  separateAll([...(before ? [before] : []), ...elements, ...waiting]);
}

/**
 * Lets the browser skip what was drawn once and is out of view, at the size it has, so that nothing moves. Not what is
 * in view: Chromium would count its next move with the list as one by itself. Here and not in the stylesheet, which
 * is also loaded where no script runs.
 */
export function settle(): void {
  const height = window.innerHeight;
  const [from, to] = [firstBelow(-height), firstBelow(2 * height)].map((element) =>
    element ? seqOf(element) : Number.POSITIVE_INFINITY,
  );
  const isFar = (element: HTMLElement) => seqOf(element) < (from ?? 0) || seqOf(element) > (to ?? 0);
  const far = numbered().filter((element) => !element.style.contentVisibility && isFar(element));
  // All are measured before the first is changed.
  for (const [element, size] of far.map((each) => [each, each.offsetHeight] as const)) {
    element.style.containIntrinsicBlockSize = `auto ${size}px`;
    element.style.contentVisibility = "auto";
  }
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

function separateAll(elements: HTMLElement[]): void {
  for (const [index, element] of elements.entries()) separate(elements[index - 1] ?? null, element);
}

/** One separator between two neighbours of different days, and none between others. */
function separate(before: HTMLElement | null, after: HTMLElement | null): void {
  if (!after) return;
  const [from, to] = [dateOf(before), dateOf(after)];
  const day = to && (!from || dayOf(from) !== dayOf(to)) ? dayOf(to) : null;
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
