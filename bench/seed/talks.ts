import { type Dice, randomUuid } from "../../src/demo/random.ts";
import type { Pair, Plan } from "./plan.ts";
import { BUSY_PERSON, LONG_PARTNER } from "./sizes.ts";
import { makeSayings } from "./texts.ts";

/** One conversation's rows, as the app would have left them. */
export interface Talk {
  id: number;
  pair: Pair;
  messages: SaidMessage[];
  members: Member[];
}

interface SaidMessage {
  id: number;
  seq: number;
  senderId: number;
  /** 32 hexadecimal digits. */
  clientId: string;
  textHash: string;
  text: string;
}

interface Member {
  userId: number;
  deliveredSeq: number;
  readSeq: number;
  unreadCount: number;
}

/** How likely it is that somebody has not read all of a conversation, and that it has not even arrived. */
const UNREAD = 0.15;
const UNDELIVERED = 0.5;

/** The conversations of a plan, one after the other. */
export function* makeTalks(dice: Dice, { pairs, ids, starts }: Plan): Generator<Talk> {
  const sayings = makeSayings(dice);
  for (const [index, pair] of pairs.entries()) {
    const offset = dice.integer(0, sayings.length - 1);
    const messages = Array.from(ids.subarray(starts[index], starts[index + 1]), (id, at): SaidMessage => {
      const { speaker, text, hash } = sayings[(offset + at) % sayings.length] ?? {
        speaker: 0,
        text: "",
        hash: "",
      };
      return {
        id,
        seq: at + 1,
        senderId: pair[speaker],
        clientId: randomUuid(dice).toString("hex"),
        textHash: hash,
        text,
      };
    });
    yield {
      id: index + 1,
      pair,
      messages,
      members: pair.map((userId) => memberOf(dice, userId, pair, messages)),
    };
  }
}

function memberOf(dice: Dice, userId: number, pair: Pair, messages: SaidMessage[]): Member {
  const readSeq = afterOwn(userId, readBy(dice, userId, pair, messages.length), messages);
  const isDelivered = readSeq === messages.length || !dice.chance(UNDELIVERED);
  return {
    userId,
    readSeq,
    deliveredSeq: isDelivered ? messages.length : readSeq,
    unreadCount: messages.slice(readSeq).filter(({ senderId }) => senderId !== userId).length,
  };
}

/** Half of the long conversation is unread by one of its two. */
function readBy(dice: Dice, userId: number, pair: Pair, count: number): number {
  const isLong = pair[0] === BUSY_PERSON && pair[1] === LONG_PARTNER;
  if (isLong) return userId === LONG_PARTNER ? Math.floor(count / 2) : count;
  return dice.chance(UNREAD) ? dice.integer(0, count) : count;
}

/** Own messages that follow at once were read when they were sent. */
function afterOwn(userId: number, readSeq: number, messages: SaidMessage[]): number {
  let seq = readSeq;
  while (messages[seq]?.senderId === userId) seq += 1;
  return seq;
}
