import { type LockedConversation, lockConversations } from "../conversations/conversations.queries.ts";
import type { ShortTransaction, Statement } from "../platform/db.ts";
import { CommitUnknown, isDuplicate, isNullRefused } from "../platform/db-errors.ts";
import { Refusal } from "../platform/errors.ts";
import { type Conversation, forget, peopleOf, recall, remember, wasTrue } from "./known-conversations.ts";
import type { Message } from "./message.ts";
import { messageOf } from "./message-row.ts";
import type { MessageRow } from "./messages.queries.ts";
import { number, type Thread, threadOf } from "./thread.ts";
import {
  findInsertedIds,
  findMembers,
  findSent,
  findStored,
  insertMessages,
  lockRemembered,
  moveMembers,
  type NewMessage,
  noteTime,
  raiseCounters,
  type SendKey,
  type StoredPlace,
} from "./writer.queries.ts";

/** A checked message on its way into the table. */
export interface Draft extends SendKey {
  message: string;
  /** SHA-256 of the text: tells an honest retry from another text under an old `clientId`. */
  textHash: Buffer;
}

/** A message as it is stored, and whether this batch stored it. */
export interface Stored {
  message: Message;
  isNew: boolean;
}

interface Written {
  outcomes: (Stored | Refusal)[];
  threads: Map<number, Thread>;
}

/**
 * Writes and commits one batch in the transaction `tx`: locks its conversations in id order, checks membership
 * under the lock, folds equal `clientId`s, numbers what is new, inserts it with one statement, moves both
 * members' rows. Its outcomes stand in the order of the drafts.
 *
 * Nearly every message is new, and follows one that this process wrote: that is taken for granted, and what is
 * otherwise is found by the statements themselves, before anything is stored.
 */
export async function writeDrafts(tx: ShortTransaction, drafts: Draft[]): Promise<(Stored | Refusal)[]> {
  const ids = [...new Set(drafts.map((draft) => draft.conversationId))].sort((a, b) => a - b);
  try {
    const written = (await writeRecalled(tx, drafts, ids)) ?? (await writeLocked(tx, drafts, ids));
    remember(written.threads.values());
    return written.outcomes;
  } catch (error) {
    forget(ids);
    throw error;
  }
}

/** Everything in one way to the database; null where the conversations are not as they are remembered. */
async function writeRecalled(tx: ShortTransaction, drafts: Draft[], ids: number[]): Promise<Written | null> {
  const recalled = recall(ids);
  if (!recalled) return null;
  try {
    const written = await write(tx, drafts, recalled, lockRemembered(recalled));
    wasTrue(true);
    return written;
  } catch (error) {
    if (!isNullRefused(error)) throw error;
    wasTrue(false);
    return null;
  }
}

async function writeLocked(tx: ShortTransaction, drafts: Draft[], ids: number[]): Promise<Written> {
  const [locked] = await tx.begin<[LockedConversation]>([lockConversations(ids)]);
  const conversations = await withPeople(tx, locked);
  if (conversations.some(({ hasEnded }) => hasEnded)) {
    // What was stored before an account was deleted is still acknowledged, what is new no more.
    return place(tx, drafts, conversations, await findSent(tx, drafts), noteTime());
  }
  return write(tx, drafts, conversations, noteTime());
}

/** Names are kept: they do not change while a conversation goes on. */
async function withPeople(tx: ShortTransaction, locked: LockedConversation[]): Promise<Conversation[]> {
  const peopleKnown = ({ conversationId, hasEnded }: LockedConversation) =>
    hasEnded ? undefined : peopleOf(conversationId);
  const asked = locked.filter((row) => !peopleKnown(row)).map(({ conversationId }) => conversationId);
  const members = asked.length > 0 ? await findMembers(tx, asked) : [];
  const found = Map.groupBy(members, ({ conversationId }) => conversationId);
  return locked.map((row) => ({
    ...row,
    hasEnded: row.hasEnded === 1,
    people: peopleKnown(row) ?? found.get(row.conversationId) ?? [],
  }));
}

type SentRow = MessageRow & { textHash: Buffer };

/** Takes every message for new; looks only where the database says that one is not. */
async function write(
  tx: ShortTransaction,
  drafts: Draft[],
  conversations: Conversation[],
  first: Statement,
): Promise<Written> {
  try {
    return await place(tx, drafts, conversations, [], first);
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    return place(tx, drafts, conversations, await findSent(tx, drafts), noteTime());
  }
}

/** @param first what is to run before messages are stored: it notes their time */
async function place(
  tx: ShortTransaction,
  drafts: Draft[],
  conversations: Conversation[],
  found: SentRow[],
  first: Statement,
): Promise<Written> {
  const threads = new Map(conversations.map((each) => [each.conversationId, threadOf(each)]));
  const sent = new Map(found.map((row) => [keyOf(row), row]));
  const fresh = new Map<string, NewMessage>();
  const places = drafts.map((draft) => placeOf(draft, threads, sent, fresh));
  const unseen = new Set<SentRow | NewMessage>(fresh.values());
  const given = await store(tx, [...fresh.values()], [...threads.values()], first);
  const outcomes = places.map((placed) => {
    if (placed instanceof Refusal) return placed;
    const people = threads.get(placed.conversationId)?.people ?? [];
    // Equal drafts of one batch are one message, new only once.
    return { message: messageOf(rowOf(placed, given), people), isNew: unseen.delete(placed) };
  });
  return { outcomes, threads };
}

/** Where a draft's message stands: stored before, earlier in this batch, or new with the next number. */
function placeOf(
  draft: Draft,
  threads: Map<number, Thread>,
  sent: Map<string, SentRow>,
  fresh: Map<string, NewMessage>,
): SentRow | NewMessage | Refusal {
  const thread = threads.get(draft.conversationId);
  if (!thread?.people.some(({ userId }) => userId === draft.senderId))
    return new Refusal("not_found", "chat.error.notFound");
  const key = keyOf(draft);
  const known = sent.get(key) ?? fresh.get(key);
  if (known)
    return known.textHash.equals(draft.textHash) ? known : new Refusal("conflict", "chat.error.conflict");
  // Deleting an account takes this lock as well: whatever is sent is either before it, or refused.
  if (thread.hasEnded) return new Refusal("forbidden", "chat.error.deletedAccount");
  const message = number(draft, thread);
  fresh.set(key, message);
  return message;
}

/** What the database gave to what is new. */
interface Given {
  ids: Map<NewMessage, number>;
  createdAt: Date;
}

async function store(
  tx: ShortTransaction,
  fresh: NewMessage[],
  threads: Thread[],
  first: Statement,
): Promise<Given> {
  if (fresh.length === 0) return { ids: new Map(), createdAt: new Date() };
  const written = threads.filter(({ added }) => added > 0);
  const [, , found = []] = await tx.finish<StoredPlace>([
    first,
    insertMessages(fresh),
    findInsertedIds(fresh.length),
    ...raiseCounters(written.map(({ conversationId, added }) => ({ conversationId, by: added }))),
    moveMembers(written.flatMap(({ people }) => people)),
  ]);
  return givenTo(fresh, found);
}

/** Other nodes insert at the same time: what stands in the range of our ids need not be all, or only, ours. */
async function givenTo(fresh: NewMessage[], found: StoredPlace[]): Promise<Given> {
  if (fresh.every((message, index) => isAt(message, found[index]))) return givenInOrder(fresh, found);
  try {
    const stored = await findStored(fresh);
    return givenInOrder(
      fresh,
      fresh.map((message) => stored.find((place) => isAt(message, place))),
    );
  } catch (error) {
    throw new CommitUnknown("committed, but not read back", { cause: error });
  }
}

function isAt(message: NewMessage, place: StoredPlace | undefined): boolean {
  return place?.conversationId === message.conversationId && place.seq === message.seq;
}

/** All of a batch are of one time. */
function givenInOrder(fresh: NewMessage[], places: (StoredPlace | undefined)[]): Given {
  const ids = new Map(fresh.flatMap((message, index) => pairOf(message, places[index])));
  return { ids, createdAt: new Date(`${places[0]?.at.replace(" ", "T")}Z`) };
}

function pairOf(message: NewMessage, place: StoredPlace | undefined): [NewMessage, number][] {
  return place ? [[message, place.id]] : [];
}

function keyOf(key: SendKey): string {
  return `${key.conversationId}:${key.senderId}:${key.clientId.toString("latin1")}`;
}

function rowOf(placed: SentRow | NewMessage, { ids, createdAt }: Given): MessageRow {
  if ("id" in placed) return placed;
  const id = ids.get(placed);
  if (id === undefined) throw new CommitUnknown("committed, but not read back");
  return { ...placed, id, createdAt, editedAt: null, deletedAt: null };
}
