import { directKey } from "../../src/conversations/conversations.queries.ts";
import type { Dice } from "../../src/demo/random.ts";
import { BUSY_PERSON, LONG_PARTNER, type Size } from "./sizes.ts";

/** Who talks with whom, and which of all messages were theirs. */
export interface Plan {
  /** The two of each conversation, in the order in which the conversations began: the first one's id is 1. */
  pairs: Pair[];
  /** Ids of messages: those of the first conversation in the order of time, then those of the second … */
  ids: Uint32Array;
  /** Where in `ids` each conversation starts, and behind the last one the end. */
  starts: Uint32Array;
}

export type Pair = [number, number];

/**
 * Spreads all messages over all conversations as life does: the conversations go on side by side, and a message's
 * id grows with its time.
 */
export function planTalks(dice: Dice, size: Size): Plan {
  const chosen = choosePairs(dice, size);
  const turns = drawTurns(dice, size, chosen.length);
  const pairs = numberByBeginning(turns, chosen);
  return { pairs, ...groupByConversation(turns, pairs.length) };
}

/** The long one first, then the rest of the busy person's, then those of everybody else; no two people twice. */
function choosePairs(dice: Dice, size: Size): Pair[] {
  const busy = Array.from(
    { length: size.busiest },
    (_none, index): Pair => [BUSY_PERSON, LONG_PARTNER + index],
  );
  const pairs = new Map(busy.map((pair) => [directKey(...pair), pair]));
  while (pairs.size < size.busiest + size.others) {
    const pair: Pair = [dice.integer(LONG_PARTNER, size.users), dice.integer(LONG_PARTNER, size.users)];
    if (pair[0] !== pair[1]) pairs.set(directKey(...pair), pair);
  }
  return [...pairs.values()];
}

/** Whose turn each message is: the index of a pair. Every pair has one, the long one as many as it should. */
function drawTurns(dice: Dice, size: Size, pairs: number): Uint32Array {
  const turns = new Uint32Array(size.messages);
  for (let at = size.longest; at < turns.length; at += 1) {
    const each = at - size.longest + 1;
    turns[at] = each < pairs ? each : dice.integer(1, pairs - 1);
  }
  for (let at = turns.length - 1; at > 0; at -= 1) {
    const other = dice.integer(0, at);
    [turns[at], turns[other]] = [turns[other] ?? 0, turns[at] ?? 0];
  }
  return turns;
}

/** Puts the pairs in the order of their first turn, and lets the turns name them by their new places. */
function numberByBeginning(turns: Uint32Array, pairs: Pair[]): Pair[] {
  const places = new Int32Array(pairs.length).fill(-1);
  const ordered: Pair[] = [];
  for (const [at, turn] of turns.entries()) {
    if (places[turn] === -1) places[turn] = ordered.push(pairs[turn] ?? [0, 0]) - 1;
    turns[at] = places[turn] ?? 0;
  }
  return ordered;
}

function groupByConversation(turns: Uint32Array, count: number): Pick<Plan, "ids" | "starts"> {
  const starts = new Uint32Array(count + 1);
  for (const turn of turns) starts[turn + 1] = (starts[turn + 1] ?? 0) + 1;
  for (let at = 1; at <= count; at += 1) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  const next = starts.slice();
  const ids = new Uint32Array(turns.length);
  for (const [at, turn] of turns.entries()) {
    const place = next[turn] ?? 0;
    ids[place] = at + 1;
    next[turn] = place + 1;
  }
  return { ids, starts };
}
