/**
 * What this process knows to have changed, so that nothing computed before is used after. Whoever keeps something
 * notes `moment()` before reading what it is made of, and asks `isUnchanged` before using it again.
 */

const TOPICS_MAX = 200_000;

let clock = 0;
/** Everything made before this moment counts as changed. */
let floor = 0;
const changedAt = new Map<string, number>();

/** What somebody sees of their own: conversations, messages, cursors. */
export const viewOf = (userId: number) => `view ${userId}`;
/** Who somebody is: whether their sessions still stand, and what they chose. No message changes that. */
export const accountOf = (userId: number) => `account ${userId}`;
/** The messages of a conversation and its members' cursors. */
export const conversationTopic = (conversationId: number) => `conversation ${conversationId}`;
/** Whether somebody is online, and since when not. */
export const presenceTopic = (userId: number) => `presence ${userId}`;
/** Who exists, and under which name. */
export const EVERYBODY = "everybody";

/** Now, in changes since the start. */
export function moment(): number {
  return clock;
}

/** Tells that these are not any more what they were; to be called after it is true and before anybody is told. */
export function changed(topics: readonly string[]): void {
  if (topics.length === 0) return;
  clock += 1;
  for (const topic of topics) changedAt.set(topic, clock);
  if (changedAt.size > TOPICS_MAX) everythingChanged();
}

/** Tells that anything may have changed. */
export function everythingChanged(): void {
  clock += 1;
  floor = clock;
  changedAt.clear();
}

/** Whether none of these changed after a moment. */
export function isUnchanged(topics: readonly string[], since: number): boolean {
  return since >= floor && topics.every((topic) => (changedAt.get(topic) ?? 0) <= since);
}
