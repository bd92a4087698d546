import type { ReceiptUpdate } from "../realtime/events.ts";
import { numbered } from "./message-list.ts";
import { copyOf, find, t } from "./page.ts";
import { showTime } from "./times.ts";

/** One message as an element: what the server's markup leaves to the viewer, and the ticks. */

const chat = find("[data-chat]", HTMLElement);
/** A message without text, from which pending ones are made. */
const blank = copyOf("[data-message-template]");

/** More marks on one letter than any language has: they would reach over the lines above. */
const STORM = /\p{M}{5}/u;

let other = {
  deliveredSeq: Number(chat?.dataset.deliveredSeq ?? 0),
  readSeq: Number(chat?.dataset.readSeq ?? 0),
};

/** What the server's neutral markup leaves to the viewer: side, state, local time, a word where there is no name. */
export function finish(element: HTMLElement, own: boolean): void {
  element.classList.toggle("own", own);
  const sender = find(".sender", HTMLElement, element);
  if (!own && sender?.textContent === ":") sender.textContent = `${t("people.deleted")}:`;
  if (own && element.dataset.seq) setState(element, stateOf(Number(element.dataset.seq)));
  element.classList.toggle("stormy", STORM.test(element.textContent));
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

/** Only what differs, so that a screen reader does not read an own message a second time. */
export function replace(held: HTMLElement, fresh: HTMLElement): void {
  for (const { name, value } of fresh.attributes) held.setAttribute(name, value);
  for (const part of [".sender", ".text", "time"]) {
    const [old, now] = [held.querySelector(part), fresh.querySelector(part)];
    if (old && now && old.outerHTML !== now.outerHTML) old.replaceWith(now);
  }
  held.querySelector(".failed")?.remove();
}
