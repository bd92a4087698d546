import type { Conversation } from "./known-conversations.ts";
import type { Member, NewMessage } from "./writer.queries.ts";

/** Numbering: what a batch makes of a conversation. */

/** How far a batch moves somebody's row: see `MemberMove`. */
interface Mover extends Member {
  from: number;
  to: number;
  unread: number;
}

/** A conversation under its lock, with what the batch has made of it so far. */
export interface Thread extends Conversation {
  people: Mover[];
  /** Messages that are new. */
  added: number;
}

type Place = Pick<NewMessage, "seq" | "rev">;
type Unplaced = Omit<NewMessage, keyof Place>;

/** A copy: where the insert finds a message stored before, numbering begins anew. */
export function threadOf(conversation: Conversation): Thread {
  const { lastSeq, people } = conversation;
  return {
    ...conversation,
    people: people.map(({ conversationId, userId, username }) => ({
      ...{ conversationId, userId, username, from: lastSeq, to: lastSeq, unread: 0 },
    })),
    added: 0,
  };
}

/** The draft as the thread's next message. */
export function number<Draft extends Unplaced>(draft: Draft, thread: Thread): Draft & Place {
  thread.lastSeq += 1;
  thread.lastRev += 1;
  thread.added += 1;
  for (const person of thread.people) move(person, draft.senderId, thread.lastSeq);
  return { ...draft, seq: thread.lastSeq, rev: thread.lastRev };
}

/**
 * An own message counts as read by its sender only if everything before it was: a queue that is sent after
 * hours offline must not claim that what came meanwhile was read.
 */
function move(person: Mover, senderId: number, seq: number): void {
  if (person.userId !== senderId) person.unread += 1;
  else if (person.to === seq - 1) person.to = seq;
}
