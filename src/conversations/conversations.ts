import { db } from "../platform/db.ts";
import { isDuplicate } from "../platform/db-errors.ts";
import { notFound, Refusal } from "../platform/errors.ts";
import { holdAccounts } from "../users/users.queries.ts";
import {
  type DirectConversation,
  directKey,
  findDirect,
  findDirectById,
  findDirectId,
  insertDirect,
  insertMemberships,
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
  const id = findOrBegin(actor, target.userId, key);
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
  const id = (await known.get(key)) ?? (await findDirectId(key));
  return id ?? (await findConversationFor(actor, target)).id;
}

async function findOrBegin(actor: Actor, otherId: number, key: string): Promise<number> {
  return (await findDirectId(key)) ?? begin(actor, otherId, key);
}

async function begin(actor: Actor, otherId: number, key: string): Promise<number> {
  try {
    return await db.transaction(async (tx) => {
      // Held, so that whoever deletes their account meanwhile finds this conversation, or this finds nobody.
      const held = await holdAccounts(tx, [actor.userId, otherId]);
      if (held.length < 2) throw notFound();
      const id = await insertDirect(tx, key);
      await insertMemberships(tx, id, [actor.userId, otherId]);
      return id;
    });
  } catch (error) {
    // Both wrote their first message at once: the other's transaction has made it.
    const id = isDuplicate(error) ? await findDirectId(key) : undefined;
    if (id === undefined) throw error;
    return id;
  }
}
