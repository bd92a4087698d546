import { batched } from "../platform/batched.ts";
import { db, type Queryable } from "../platform/db.ts";
import { isDeadlock } from "../platform/db-errors.ts";
import { notFound, Refusal } from "../platform/errors.ts";
import { holdAccounts } from "../users/users.queries.ts";
import {
  type DirectConversation,
  directKey,
  findDirect,
  findDirectById,
  findDirectIds,
  insertDirects,
  insertMemberships,
  peopleOfKey,
} from "./conversations.queries.ts";

/** Whoever asks for something. */
export interface Actor {
  userId: number;
}

/** Names a conversation by the other person or by itself. */
export type Target = { userId: number } | { conversationId: number };

/** The one way to a conversation, through the actor's membership. @throws Refusal `not_found` for a stranger */
export async function findConversationFor(actor: Actor, target: Target): Promise<DirectConversation> {
  if ("userId" in target && target.userId === actor.userId) throw new Refusal("not_found", "chat.error.self");
  const found =
    "userId" in target
      ? await findDirect(actor.userId, target.userId)
      : await findDirectById(actor.userId, target.conversationId);
  if (!found) throw notFound();
  return found;
}

/**
 * Ids of conversations by their `direct_key`; a pair keeps its conversation for ever, so nothing goes stale. What is
 * kept is the promise, so that messages sent while the first one still looks for the id keep their order.
 */
const known = new Map<string, Promise<number>>();
const KNOWN_MAX = 100_000;

/**
 * The id to send to, beginning the conversation when this is its first message. Whether the actor belongs to a
 * conversation named by its id is checked by the writer, under the lock.
 *
 * @throws Refusal `not_found` when the other person does not exist, `invalid` for oneself
 */
export async function conversationToSendTo(actor: Actor, target: Target): Promise<number> {
  if ("conversationId" in target) return target.conversationId;
  if (target.userId === actor.userId) throw new Refusal("invalid", "chat.error.self");
  const key = directKey(actor.userId, target.userId);
  const kept = known.get(key);
  if (kept) return kept;
  const id = findOrBegin(key);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(key, id);
  // A failure must not be what everybody after gets.
  id.catch(() => known.delete(key));
  return id;
}

/**
 * The id of a conversation that may have begun; null before its first message. As with sending, whether the actor
 * belongs to one that is named by its id is checked under the lock.
 *
 * @throws Refusal `not_found` when the other person does not exist, or is oneself
 */
export async function begunConversation(actor: Actor, target: Target): Promise<number | null> {
  if ("conversationId" in target) return target.conversationId;
  const key = directKey(actor.userId, target.userId);
  const id = (await known.get(key)) ?? (await idOf(key));
  return id ?? (await findConversationFor(actor, target)).id;
}

/**
 * Those of one turn of the event loop are looked for, and begun, together: where many are written to for the first time
 * at once, each by itself would wait for a connection, and some too long.
 */
const idOf = batched((keys: string[]) => findDirectIds(keys));
const begunId = batched(begin);

async function findOrBegin(key: string): Promise<number> {
  const id = (await idOf(key)) ?? (await begunId(key).catch((error) => beginAlone(key, error)));
  if (id === undefined) throw notFound();
  return id;
}

/** Somebody whose row is held for long must not keep all others waiting who are written to at the same time. */
async function beginAlone(key: string, error: unknown): Promise<number | undefined> {
  if (!isDeadlock(error)) throw error;
  return (await begin([key])).get(key);
}

/** Conversations that one transaction begins. */
const BEGUN_MAX = 500;

/** @returns ids by key; those of whose people one does not exist are missing */
async function begin(keys: string[]): Promise<Map<string, number>> {
  const begun = new Map<string, number>();
  for (let start = 0; start < keys.length; start += BEGUN_MAX) {
    const some = keys.slice(start, start + BEGUN_MAX);
    for (const [key, id] of await db.transaction((tx) => beginIn(tx, some))) begun.set(key, id);
  }
  return begun;
}

async function beginIn(tx: Queryable, keys: string[]): Promise<Map<string, number>> {
  // Held, so that whoever deletes their account meanwhile finds these conversations, or this finds nobody.
  const held = new Set(await holdAccounts(tx, [...new Set(keys.flatMap(peopleOfKey))]));
  // In one order, as others may begin some of the same.
  const wanted = keys.filter((key) => peopleOfKey(key).every((userId) => held.has(userId))).sort();
  if (wanted.length === 0) return new Map();
  await insertDirects(tx, wanted);
  const ids = await findDirectIds(wanted, tx);
  // A fault of ours must not be told as a person who is not there.
  if (ids.size < wanted.length) throw new Error("a conversation that was begun cannot be read back");
  await insertMemberships(
    tx,
    [...ids].flatMap(([key, conversationId]) =>
      peopleOfKey(key).map((userId) => ({ conversationId, userId })),
    ),
  );
  return ids;
}
