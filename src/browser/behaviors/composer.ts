import type { Message } from "../../messages/message.ts";
import { setState } from "../bubbles.ts";
import { byClientId, takeAway } from "../message-list.ts";
import { discard, onOutbox, retry, send } from "../outbox.ts";
import type { Entry } from "../outbox-store.ts";
import { copyOf, find, t, throttled, viewerId } from "../page.ts";
import { isConnected, request } from "../realtime.ts";
import { isLive, otherId, showPending } from "../timeline.ts";

const MESSAGE_MAX = 4000;
const TYPING_MS = 2000;
const DRAFT_MS = 200;

const form = find("[data-composer]", HTMLFormElement);
const field = find("[data-message-field]", HTMLTextAreaElement);
const error = find("[data-composer-error]", HTMLElement);
const draftKey = `draft:${viewerId}:${otherId}`;

/** Writing and sending: shown at once, kept until the server has it, Enter sends. */
export function startComposer(): void {
  if (!form || !field || !otherId) return;
  field.value ||= recall();
  fit();
  // Whoever opens a conversation wants to write; on a phone this would cover it with the keyboard.
  const isFree = document.activeElement === document.body && !location.hash;
  if (isFree && matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  field.addEventListener("keydown", sendOnEnter);
  field.addEventListener("input", () => {
    say("");
    fit();
    remember();
    tellTyping();
  });
  window.addEventListener("pagehide", () => keep(field.value));
  // Pressing Send leaves the keyboard where it is; on a phone it would fold away with every message.
  find("button", HTMLButtonElement, form)?.addEventListener("mousedown", (event) => event.preventDefault());
  onOutbox({ waiting: showEntry, sent: markSent, discarded: takeDiscardedAway });
}

async function submit(): Promise<void> {
  if (!field) return;
  const text = field.value.trim();
  const length = [...text].length;
  if (length === 0) return say(t("chat.error.empty"));
  if (length > MESSAGE_MAX) return say(t("chat.error.tooLong", { max: MESSAGE_MAX }));
  if (!text.isWellFormed() || text.includes("\0")) return say(t("chat.error.invalid"));
  field.value = "";
  fit();
  field.focus();
  lastTold = 0;
  await send(otherId, text);
  // Only now: until then the draft is what keeps the text.
  keep(field.value);
  // An old page does not grow; what was written belongs to the newest.
  if (!isLive) location.assign(`/chat/${otherId}`);
}

/** On a phone Enter is the only way to a new line, and a word that is being composed is not sent half. */
function sendOnEnter(event: KeyboardEvent): void {
  const isPlainEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing;
  if (!isPlainEnter || matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  form?.requestSubmit();
}

function say(text: string): void {
  if (error && error.textContent !== text) error.textContent = text;
  if (text) field?.setAttribute("aria-invalid", "true");
  else field?.removeAttribute("aria-invalid");
}

/** As many rows as the text has; the stylesheet bounds it. */
function fit(): void {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.rows = Math.min(8, field.value.split("\n").length);
}

function recall(): string {
  try {
    return localStorage.getItem(draftKey) ?? "";
  } catch {
    return "";
  }
}

function keep(text: string): void {
  try {
    if (text.trim()) localStorage.setItem(draftKey, text);
    else localStorage.removeItem(draftKey);
  } catch {
    // Without storage a draft lasts as long as its page.
  }
}

const remember = throttled(() => keep(field?.value ?? ""), DRAFT_MS);

let lastTold = 0;

function tellTyping(): void {
  const isTyping = field?.value.trim() !== "";
  if (!isConnected() || (isTyping && Date.now() - lastTold < TYPING_MS)) return;
  lastTold = isTyping ? Date.now() : 0;
  // Only a hint: nobody misses it.
  request("typing", { userId: otherId, typing: isTyping }).catch(() => undefined);
}

/** What waits or was refused, as a bubble of its own. */
function showEntry(entry: Entry): void {
  if (entry.userId !== otherId || !isLive) return;
  const element = byClientId(entry.clientId) ?? showPending(entry.clientId, entry.message, entry.at);
  if (!element || element.dataset.seq) return;
  find(".failed", HTMLElement, element)?.remove();
  setState(element, entry.refusal === undefined ? "pending" : "failed");
  if (entry.refusal !== undefined) offerAgain(element, entry, entry.refusal);
}

function offerAgain(element: HTMLElement, entry: Entry, reason: string): void {
  const offer = copyOf("[data-failed-template]");
  const text = offer && find("[data-reason]", HTMLElement, offer);
  if (!offer || !text) return;
  text.textContent = reason;
  find("[data-retry]", HTMLButtonElement, offer)?.addEventListener("click", () => void retry(entry.clientId));
  find("[data-discard]", HTMLButtonElement, offer)?.addEventListener("click", () => {
    field?.focus();
    void discard(entry.clientId);
  });
  element.append(offer);
}

/** Usually the news of one's own message has come by itself; if not, catching up brings it. */
function markSent({ clientId }: Message): void {
  const element = byClientId(clientId);
  if (element?.dataset.state === "pending") setState(element, "sent");
}

function takeDiscardedAway(clientId: string): void {
  const element = byClientId(clientId);
  if (element && !element.dataset.seq) takeAway(element);
}
