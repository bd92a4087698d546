import type { Queryable } from "../platform/db.ts";
import { Refusal } from "../platform/errors.ts";
import { clientIdText } from "./client-id.ts";
import type { Message } from "./message.ts";
import type { MessageRow } from "./messages.queries.ts";
import {
  findIds,
  findMembers,
  findSent,
  insertMessages,
  type LockedConversation,
  lockConversations,
  type Member,
  type NewMessage,
  type SendKey,
  type SeqRange,
  updateCounters,
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

/** A conversation under its lock, with what the batch has made of it so far. */
interface Thread extends LockedConversation {
  members: Member[];
  firstSeq: number;
}

/**
 * Writes one batch in the transaction `tx`: locks its conversations in id order, checks membership under the
 * lock, folds equal `clientId`s, numbers what is new, inserts it with one statement, moves both members' rows.
 * Its outcomes stand in the order of the drafts; nothing holds until `tx` commits.
 */
export async function writeDrafts(tx: Queryable, drafts: Draft[]): Promise<(Stored | Refusal)[]> {
  const threads = await lockThreads(tx, drafts);
  const sent = new Map((await findSent(tx, drafts)).map((row) => [keyOf(row), row]));
  const fresh = new Map<string, NewMessage>();
  const places = drafts.map((draft) => place(draft, threads, sent, fresh));
  const ids = await store(tx, [...fresh.values()], [...threads.values()]);
  return places.map((found) => {
    if (found instanceof Refusal) return found;
    const members = threads.get(found.conversationId)?.members ?? [];
    // Equal drafts of one batch are one message, new only once.
    return { message: messageOf(rowOf(found, ids), members), isNew: fresh.delete(keyOf(found)) };
  });
}

async function lockThreads(tx: Queryable, drafts: Draft[]): Promise<Map<number, Thread>> {
  const ids = [...new Set(drafts.map((draft) => draft.conversationId))].sort((a, b) => a - b);
  const locked = await lockConversations(tx, ids);
  const members = Map.groupBy(await findMembers(tx, ids), (member) => member.conversationId);
  return new Map(
    locked.map((thread) => [
      thread.id,
      { ...thread, members: members.get(thread.id) ?? [], firstSeq: thread.lastSeq + 1 },
    ]),
  );
}

type SentRow = MessageRow & { textHash: Buffer };

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
  const known = sent.get(keyOf(draft)) ?? fresh.get(keyOf(draft));
  if (known)
    return known.textHash.equals(draft.textHash) ? known : new Refusal("conflict", "chat.error.conflict");
  // Deleting an account takes this lock as well: whatever is sent is either before it, or refused.
  if (thread.members.some(({ username }) => username === "")) {
    return new Refusal("forbidden", "chat.error.deletedAccount");
  }
  const message = number(draft, thread);
  fresh.set(keyOf(draft), message);
  return message;
}

function number(draft: Draft, thread: Thread): NewMessage {
  thread.lastSeq += 1;
  thread.lastRev += 1;
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

async function store(tx: Queryable, fresh: NewMessage[], threads: Thread[]): Promise<Map<string, number>> {
  if (fresh.length === 0) return new Map();
  const written = threads.filter((thread) => thread.lastSeq >= thread.firstSeq);
  await insertMessages(tx, fresh);
  const ids = await findIds(tx, written.map(rangeOf));
  await updateCounters(
    tx,
    written.map((thread) => ({ ...thread, lastMessageAt: thread.now })),
  );
  await updateMemberships(
    tx,
    written.flatMap((thread) => thread.members.map((member) => ({ ...member, lastMessageAt: thread.now }))),
  );
  return new Map(ids.map((row) => [`${row.conversationId}:${row.seq}`, row.id]));
}

function rangeOf(thread: Thread): SeqRange {
  return { conversationId: thread.id, from: thread.firstSeq, to: thread.lastSeq };
}

function keyOf(key: SendKey): string {
  return `${key.conversationId}:${key.senderId}:${key.clientId.toString("latin1")}`;
}

function rowOf(found: SentRow | NewMessage, ids: Map<string, number>): MessageRow {
  if ("id" in found) return found;
  const id = ids.get(`${found.conversationId}:${found.seq}`);
  if (id === undefined) throw new Error("a message that was just inserted cannot be read back");
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
