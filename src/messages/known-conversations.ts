import type { Member } from "./writer.queries.ts";

/**
 * Conversations as this process left them when it last wrote to them, so that the next batch need not ask. Who is in
 * one never changes while it goes on; its counters may have been raised by another process, which the batch finds out
 * under the lock (`lockRemembered`).
 */
export interface Conversation {
  conversationId: number;
  lastSeq: number;
  lastRev: number;
  people: Member[];
  /** Somebody in it has deleted their account: nothing new is sent there. */
  hasEnded: boolean;
}

const KNOWN_MAX = 50_000;
const known = new Map<number, Conversation>();

const PATIENCE_MAX = 1024;
/** Batches that are not to rely on what is known: others write too, and to have asked in vain is dear. */
let distrusted = 0;
/** How many it will be the next time. */
let patience = 1;

/** All of these as they were left; null where one is not known, or where others lately wrote as well. */
export function recall(ids: number[]): Conversation[] | null {
  if (distrusted > 0) {
    distrusted -= 1;
    return null;
  }
  const found = ids.flatMap((id) => known.get(id) ?? []);
  return found.length === ids.length ? found : null;
}

/** Tells whether what was recalled was still so. */
export function wasTrue(isTrue: boolean): void {
  if (!isTrue) distrusted = patience;
  patience = isTrue ? Math.max(1, patience - 1) : Math.min(PATIENCE_MAX, patience * 2);
}

/** Who is in a conversation; undefined where that is not known. */
export function peopleOf(id: number): Member[] | undefined {
  return known.get(id)?.people;
}

/** To be told what was committed, or seen under the lock. */
export function remember(conversations: Iterable<Conversation>): void {
  for (const conversation of conversations) {
    if (conversation.hasEnded) known.delete(conversation.conversationId);
    else known.set(conversation.conversationId, conversation);
  }
  if (known.size > KNOWN_MAX) known.clear();
}

/** To be told where nobody can say how it stands. */
export function forget(ids: number[]): void {
  for (const id of ids) known.delete(id);
}
