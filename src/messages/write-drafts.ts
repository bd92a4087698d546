import { type LockedConversation, lockConversations } from "../conversations/conversations.queries.ts";
import type { ShortTransaction } from "../platform/db.ts";
import { CommitUnknown, isDuplicate } from "../platform/db-errors.ts";
import { Refusal } from "../platform/errors.ts";
import { clientIdText } from "./client-id.ts";
import type { Message } from "./message.ts";
import type { MessageRow } from "./messages.queries.ts";
import {
  findIds,
  findInsertedIds,
  findMembers,
  findSent,
  insertMessages,
  type LockedMember,
  type NewMessage,
  type PlacedId,
  raiseCounters,
  type SendKey,
  updateMemberships,
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

type Member = Pick<LockedMember, "userId" | "username" | "deliveredSeq" | "readSeq" | "unreadCount">;

/** A conversation under its lock, with what the batch has made of it so far. */
interface Thread {
  conversationId: number;
  lastSeq: number;
  lastRev: number;
  now: Date;
  members: Member[];
  /** Messages that are new. */
  added: number;
}

/**
 * Writes and commits one batch in the transaction `tx`: locks its conversations in id order, checks membership
 * under the lock, folds equal `clientId`s, numbers what is new, inserts it with one statement, moves both
 * members' rows. Its outcomes stand in the order of the drafts.
 *
 * Nearly every message is new: what was stored before is looked up only when the insert finds that there is some.
 */
export async function writeDrafts(tx: ShortTransaction, drafts: Draft[]): Promise<(Stored | Refusal)[]> {
  const ids = [...new Set(drafts.map((draft) => draft.conversationId))].sort((a, b) => a - b);
  const locked = await tx.begin<Locked>([lockConversations(ids), findMembers(ids)]);
  // What was stored before an account was deleted is still acknowledged, what is new no more.
  const mayBeRefused = locked[1].some((member) => member.username === "");
  try {
    return await writePlaced(tx, drafts, locked, mayBeRefused ? await findSent(tx, drafts) : []);
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    return writePlaced(tx, drafts, locked, await findSent(tx, drafts));
  }
}

type Locked = [LockedConversation, LockedMember];

type SentRow = MessageRow & { textHash: Buffer };

async function writePlaced(
  tx: ShortTransaction,
  drafts: Draft[],
  locked: [LockedConversation[], LockedMember[]],
  found: SentRow[],
): Promise<(Stored | Refusal)[]> {
  const threads = threadsOf(locked);
  const sent = new Map(found.map((row) => [keyOf(row), row]));
  const fresh = new Map<string, NewMessage>();
  const places = drafts.map((draft) => place(draft, threads, sent, fresh));
  const ids = await store(tx, [...fresh.values()], [...threads.values()]);
  return places.map((placed) => {
    if (placed instanceof Refusal) return placed;
    const members = threads.get(placed.conversationId)?.members ?? [];
    // Equal drafts of one batch are one message, new only once.
    return { message: messageOf(rowOf(placed, ids), members), isNew: fresh.delete(keyOf(placed)) };
  });
}

function threadsOf([conversations, members]: [LockedConversation[], LockedMember[]]): Map<number, Thread> {
  const now = members[0]?.now ?? new Date();
  const threads = new Map<number, Thread>();
  for (const { conversationId, lastSeq, lastRev } of conversations) {
    threads.set(conversationId, { conversationId, lastSeq, lastRev, now, members: [], added: 0 });
  }
  // Copies: where the insert finds a message stored before, numbering begins anew.
  for (const member of members) threads.get(member.conversationId)?.members.push({ ...member });
  return threads;
}

/** Where a draft's message stands: stored before, earlier in this batch, or new with the next number. */
function place(
  draft: Draft,
  threads: Map<number, Thread>,
  sent: Map<string, SentRow>,
  fresh: Map<string, NewMessage>,
): SentRow | NewMessage | Refusal {
  const thread = threads.get(draft.conversationId);
  const sender = thread?.members.find((member) => member.userId === draft.senderId);
  if (!thread || !sender) return new Refusal("not_found", "chat.error.notFound");
  const key = keyOf(draft);
  const known = sent.get(key) ?? fresh.get(key);
  if (known)
    return known.textHash.equals(draft.textHash) ? known : new Refusal("conflict", "chat.error.conflict");
  // Deleting an account takes this lock as well: whatever is sent is either before it, or refused.
  if (thread.members.some(({ username }) => username === "")) {
    return new Refusal("forbidden", "chat.error.deletedAccount");
  }
  const message = number(draft, thread);
  fresh.set(key, message);
  return message;
}

function number(draft: Draft, thread: Thread): NewMessage {
  thread.lastSeq += 1;
  thread.lastRev += 1;
  thread.added += 1;
  for (const member of thread.members) moveMember(member, draft.senderId, thread.lastSeq);
  return { ...draft, seq: thread.lastSeq, rev: thread.lastRev, createdAt: thread.now };
}

/**
 * An own message counts as read by its sender only if everything before it was: a queue that is sent after
 * hours offline must not claim that what came meanwhile was read.
 */
function moveMember(member: Member, senderId: number, seq: number): void {
  if (member.userId !== senderId) {
    member.unreadCount += 1;
    return;
  }
  if (member.readSeq === seq - 1) member.readSeq = seq;
  if (member.deliveredSeq === seq - 1) member.deliveredSeq = seq;
}

/** @returns the ids that the database gave, by where the messages stand */
async function store(
  tx: ShortTransaction,
  fresh: NewMessage[],
  threads: Thread[],
): Promise<Map<string, number>> {
  const written = threads.filter(({ added }) => added > 0);
  const [first] = written;
  if (!first) return new Map();
  const [, found = []] = await tx.finish<PlacedId>([
    insertMessages(fresh),
    findInsertedIds(fresh.length),
    ...raiseCounters(
      written.map(({ conversationId, added }) => ({ conversationId, by: added })),
      first.now,
    ),
    updateMemberships(written.flatMap(membersOf), first.now),
  ]);
  return idsOf(fresh, found);
}

/** Other nodes insert at the same time: what stands in the range of our ids need not be all, or only, ours. */
async function idsOf(fresh: NewMessage[], found: PlacedId[]): Promise<Map<string, number>> {
  const ids = new Map(found.map((row) => [placeOf(row), row.id]));
  if (fresh.every((message) => ids.has(placeOf(message)))) return ids;
  try {
    return new Map((await findIds(fresh)).map((row) => [placeOf(row), row.id]));
  } catch (error) {
    throw new CommitUnknown("committed, but not read back", { cause: error });
  }
}

function membersOf({ conversationId, members }: Thread) {
  return members.map((member) => ({ ...member, conversationId }));
}

function placeOf({ conversationId, seq }: Omit<PlacedId, "id">): string {
  return `${conversationId}:${seq}`;
}

function keyOf(key: SendKey): string {
  return `${key.conversationId}:${key.senderId}:${key.clientId.toString("latin1")}`;
}

function rowOf(found: SentRow | NewMessage, ids: Map<string, number>): MessageRow {
  if ("id" in found) return found;
  const id = ids.get(placeOf(found));
  if (id === undefined) throw new CommitUnknown("committed, but not read back");
  return { ...found, id, editedAt: null, deletedAt: null };
}

/** A row as the protocol has it. `people` are the conversation's members. */
export function messageOf(row: MessageRow, people: { userId: number; username: string }[]): Message {
  const others = people.filter((person) => person.userId !== row.senderId);
  return {
    id: row.id,
    conversationId: row.conversationId,
    seq: row.seq,
    rev: row.rev,
    clientId: clientIdText(row.clientId),
    senderId: row.senderId,
    sender: people.find((person) => person.userId === row.senderId)?.username ?? "",
    receiverId: people.length === 2 ? (others[0]?.userId ?? null) : null,
    message: row.deletedAt ? "" : row.message,
    timestamp: row.createdAt.toISOString(),
    editedAt: row.editedAt?.toISOString() ?? null,
    deletedAt: row.deletedAt?.toISOString() ?? null,
  };
}
