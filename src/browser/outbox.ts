import type { Message } from "../messages/message.ts";
import { add, alone, change, type Entry, entries, remove } from "./outbox-store.ts";
import { newUuid, viewerId } from "./page.ts";
import { isConnected, onRefresh, Refused, request } from "./realtime.ts";

/**
 * What was sent and is not yet acknowledged. Each conversation has one send under way, in the order typed; the
 * same `clientId` is sent until the server has it, waiting as long as the server asks to, and a definite refusal stops that conversation's queue until
 * the person retries or discards.
 */

const RETRY_MS = 2000;
/** Refusals that another try of the same cannot change. */
const DEFINITE = new Set(["invalid", "too_large", "not_found", "conflict", "forbidden"]);

interface Listener {
  /** It waits, or was refused: then the entry says why. */
  waiting: (entry: Entry) => void;
  sent: (message: Message) => void;
  discarded: (clientId: string) => void;
}
const listeners: Listener[] = [];

/** What tabs of one person tell each other; an empty object means that the outbox changed. */
type Word = { discarded?: string };
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(`causerie-outbox-${viewerId}`) : null;

function tellTabs(word: Word): void {
  tabs?.postMessage(word);
}

/** Who shows what waits, what was refused and what became of it. */
export function onOutbox(listener: Listener): void {
  listeners.push(listener);
  void showAll();
}

async function showAll(): Promise<void> {
  for (const entry of await entries()) for (const listener of listeners) listener.waiting(entry);
}

/** Puts a message on its way. Resolves once it can no longer be lost. */
export async function send(userId: number, message: string): Promise<void> {
  const entry = { owner: viewerId, userId, clientId: newUuid(), message, at: Date.now() };
  for (const listener of listeners) listener.waiting(entry);
  await add(entry);
  tellTabs({});
  void pump();
}

/**
 * Tries a refused message once more, in its old place. Under a new id: a definite refusal says that nothing was
 * stored of this text, and the old id may stand for another one.
 */
export async function retry(clientId: string): Promise<void> {
  const entry = (await entries()).find((each) => each.clientId === clientId);
  if (!entry) return;
  const { refusal: _dropped, ...rest } = entry;
  const again = { ...rest, clientId: newUuid() };
  await change(again);
  for (const listener of listeners) {
    listener.discarded(clientId);
    listener.waiting(again);
  }
  tellTabs({ discarded: clientId });
  void pump();
}

/** Gives a refused message up. */
export async function discard(clientId: string): Promise<void> {
  const entry = (await entries()).find((each) => each.clientId === clientId);
  if (entry) await remove(entry);
  for (const listener of listeners) listener.discarded(clientId);
  tellTabs({ discarded: clientId });
  void pump();
}

/** Nothing is sent before this time (ms since 1970): the server said when to come back. */
let notBefore = 0;
let pumping = false;
let again = false;

/** Sends whatever may be sent. Calls while it runs make it look once more; whatever fails is tried again. */
async function pump(): Promise<void> {
  again = true;
  if (pumping || !isConnected() || Date.now() < notBefore) return;
  pumping = true;
  try {
    await alone(async () => {
      while (again && isConnected() && Date.now() >= notBefore) {
        again = false;
        const userIds = new Set((await entries()).map((entry) => entry.userId));
        await Promise.all([...userIds].map(sendQueue));
      }
    });
  } catch {
    again = false;
    pumpLater(); // the browser's storage failed; what was typed is still in it, or in memory
  }
  pumping = false;
  if (again && Date.now() >= notBefore) void pump(); // asked for after the last look
}

function pumpLater(): void {
  setTimeout(() => void pump(), RETRY_MS * (0.5 + Math.random()));
}

/** Too much at once: what waits goes on when the server takes more. */
function pumpNotBefore(waitMs: number): void {
  notBefore = Date.now() + waitMs;
  setTimeout(() => void pump(), waitMs + 500 * Math.random());
}

/** Sends one person's messages, each after the one before is stored; looks anew each time for what was added. */
async function sendQueue(userId: number): Promise<void> {
  for (;;) {
    const entry = (await entries()).find((each) => each.userId === userId);
    if (!entry || entry.refusal !== undefined || !(await sendOne(entry))) return;
  }
}

/** Whether the queue may go on. */
async function sendOne(entry: Entry): Promise<boolean> {
  try {
    const { userId, message, clientId } = entry;
    const answer = await request("sendMessage", { receiverId: userId, message, clientId });
    await remove(entry);
    for (const listener of listeners) listener.sent(answer.message);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (DEFINITE.has(error.code)) await refuse(entry, error.message);
    else if (error.retryAfterMs !== null) pumpNotBefore(error.retryAfterMs);
    else pumpLater();
    return false;
  }
}

async function refuse(entry: Entry, reason: string): Promise<void> {
  const refused = { ...entry, refusal: reason };
  await change(refused);
  for (const listener of listeners) listener.waiting(refused);
  tellTabs({});
}

/** Sends what waits: from before, from other tabs, whenever there is a connection. */
export function startOutbox(): void {
  onRefresh(() => void pump());
  tabs?.addEventListener("message", ({ data }: MessageEvent<Word>) => {
    if (data.discarded) for (const listener of listeners) listener.discarded(data.discarded);
    void showAll();
    void pump();
  });
}
