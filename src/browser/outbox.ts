import type { Message } from "../messages/message.ts";
import { add, alone, change, type Entry, entries, remove } from "./outbox-store.ts";
import { newUuid, viewerId } from "./page.ts";
import { isConnected, onRefresh, Refused, request } from "./realtime.ts";

/**
 * What was sent and is not yet acknowledged. Each conversation has one send under way, in the order typed; the
 * same `clientId` is sent until the server has it, and a definite refusal stops that conversation's queue until
 * the person retries or discards.
 */

const RETRY_MS = 2000;
/** Refusals that another try of the same cannot change. */
const DEFINITE = new Set(["invalid", "too_large", "not_found", "conflict", "forbidden"]);

type Listener = { waiting: (entry: Entry) => void; sent: (entry: Entry, message: Message) => void };
const listeners: Listener[] = [];
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(`causerie-outbox-${viewerId}`) : null;

/** Who shows what waits, what was refused (an entry with a refusal) and what became of it. */
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
  tabs?.postMessage("changed");
  void pump();
}

/** Tries a refused message once more; another text under an old id needs a new one. */
export async function retry(clientId: string): Promise<void> {
  const entry = (await entries()).find((each) => each.clientId === clientId);
  if (!entry) return;
  const { refusal: _dropped, ...again } = entry;
  await change(again);
  for (const listener of listeners) listener.waiting(again);
  void pump();
}

/** Gives a refused message up. */
export async function discard(clientId: string): Promise<void> {
  const entry = (await entries()).find((each) => each.clientId === clientId);
  if (entry) await remove(entry);
  tabs?.postMessage("changed");
  void pump();
}

let pumping = false;
let again = false;

async function pump(): Promise<void> {
  again = true;
  if (pumping) return;
  pumping = true;
  try {
    await alone(async () => {
      while (again && isConnected()) {
        again = false;
        const queues = Map.groupBy(await entries(), (entry) => entry.userId);
        await Promise.all([...queues.values()].map(sendQueue));
      }
    });
  } finally {
    pumping = false;
  }
}

async function sendQueue(queue: Entry[]): Promise<void> {
  for (const entry of queue) {
    if (entry.refusal !== undefined || !(await sendOne(entry))) return;
  }
}

/** Whether the queue may go on. */
async function sendOne(entry: Entry): Promise<boolean> {
  try {
    const { userId, message, clientId } = entry;
    const answer = await request("sendMessage", { receiverId: userId, message, clientId });
    await remove(entry);
    for (const listener of listeners) listener.sent(entry, answer.message);
    return true;
  } catch (error) {
    const refusal = error instanceof Refused ? error : new Refused("unknown", "");
    if (DEFINITE.has(refusal.code)) await refuse(entry, refusal.message);
    else setTimeout(() => void pump(), RETRY_MS * (0.5 + Math.random()));
    return false;
  }
}

async function refuse(entry: Entry, reason: string): Promise<void> {
  const refused = { ...entry, refusal: reason };
  await change(refused);
  for (const listener of listeners) listener.waiting(refused);
  tabs?.postMessage("changed");
}

/** Sends what waits: from before, from other tabs, whenever there is a connection. */
export function startOutbox(): void {
  onRefresh(() => void pump());
  tabs?.addEventListener("message", () => {
    void showAll();
    void pump();
  });
}
