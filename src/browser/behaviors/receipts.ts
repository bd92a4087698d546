import type { Message } from "../../messages/message.ts";
import { showReceipts } from "../bubbles.ts";
import { firstBelow, firstSeq, lastSeq } from "../message-list.ts";
import { throttled, viewerId } from "../page.ts";
import { onNews, onRefresh, request } from "../realtime.ts";
import { currentConversation, onGrown, otherId } from "../timeline.ts";
import { isAtEnd, scroller } from "./scrolling.ts";

/** Says what this device has and what its person has read; shows how far the other is. */

const GATHER_MS = 150;

const arrivedSeqs = new Map<number, number>();
let readSeq = 0;

export function startReceipts(): void {
  onNews("updateReceipts", (receipts) => {
    if (receipts.conversationId === currentConversation() && receipts.userId === otherId)
      showReceipts(receipts);
  });
  onNews("receiveMessage", has);
  onRefresh(tellRead);
  if (!otherId) return;
  onGrown(tellRead);
  for (const event of ["focus", "visibilitychange", "resize"]) window.addEventListener(event, tellRead);
  scroller?.addEventListener("scroll", tellRead, { passive: true });
}

/** Whether what arrives in this conversation arrives before the reader's eyes. */
export function isBeingRead(conversationId: number): boolean {
  return conversationId === currentConversation() && isWatched() && isAtEnd();
}

const isWatched = () => document.visibilityState === "visible" && document.hasFocus();

/** This device has a message of somebody else. */
export function has(message: Pick<Message, "conversationId" | "seq" | "senderId">): void {
  if (message.senderId === viewerId) return;
  if (isBeingRead(message.conversationId)) {
    tellRead(); // which says both
    return;
  }
  const seq = Math.max(message.seq, arrivedSeqs.get(message.conversationId) ?? 0);
  arrivedSeqs.set(message.conversationId, seq);
  tellDelivered();
}

const tellDelivered = throttled(() => {
  const cursors = [...arrivedSeqs].slice(0, 200).map(([conversationId, seq]) => ({ conversationId, seq }));
  arrivedSeqs.clear();
  // What is not told now is told again after the next refresh of the list.
  request("deliverMessages", { cursors }).catch(() => undefined);
}, GATHER_MS);

const tellRead = throttled(() => {
  if (!otherId || !isWatched()) return;
  const seq = seenSeq();
  if (seq <= readSeq) return;
  request("readMessages", { userId: otherId, seq }).then(
    () => {
      readSeq = Math.max(readSeq, seq);
    },
    () => undefined,
  );
}, GATHER_MS);

/** The largest number that is or was in view. */
function seenSeq(): number {
  if (isAtEnd()) return lastSeq();
  // The first that reaches below the window is seen from its top on.
  const cut = firstBelow(window.innerHeight);
  if (!cut) return lastSeq();
  const isSeen = cut.getBoundingClientRect().top < window.innerHeight;
  const seq = Number(cut.dataset.seq);
  if (isSeen) return seq;
  return seq > firstSeq() ? seq - 1 : 0;
}
