/**
 * What this process knows to have changed, so that nothing computed before is used after. Whoever keeps something
 * notes `moment()` before reading what it is made of, and asks `isUnchanged` before using it again.
 */

const TOPICS_MAX = 200_000;

let clock = 0;
/** Everything made before this moment counts as changed. */
let floor = 0;
const changedAt = new Map<Topic, number>();

/** Something that may change. A number, as every message names three: its last digit to the base of KINDS is the kind. */
export type Topic = number;

const KINDS = 8;

/** Who exists, and under which name. */
export const EVERYBODY: Topic = 0;
/** What somebody sees of their own: conversations, messages, cursors. */
export const viewOf = (userId: number): Topic => userId * KINDS + 1;
/** Who somebody is: whether their sessions still stand, and what they chose. No message changes that. */
export const accountOf = (userId: number): Topic => userId * KINDS + 2;
/** The messages of a conversation and its members' cursors. */
export const conversationTopic = (conversationId: number): Topic => conversationId * KINDS + 3;
/** Whether somebody is online, and since when not. */
export const presenceTopic = (userId: number): Topic => userId * KINDS + 4;

/** Now, in changes since the start. */
export function moment(): number {
  return clock;
}

/** Tells that these are not any more what they were; to be called after it is true and before anybody is told. */
export function changed(topics: readonly Topic[]): void {
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
export function isUnchanged(topics: readonly Topic[], since: number): boolean {
  return since >= floor && topics.every((topic) => (changedAt.get(topic) ?? 0) <= since);
}
