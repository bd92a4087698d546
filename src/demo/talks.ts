import { type Line, makeDialogues } from "./dialogues.ts";
import { type DemoPerson, HOSTS } from "./people.ts";
import type { Dice } from "./random.ts";

interface Said extends Line {
  at: Date;
}

/** Two people's conversation; the cursors are numbers of messages, 1 for the first. */
export interface Talk {
  people: [DemoPerson, DemoPerson];
  messages: Said[];
  cursors: [Cursor, Cursor];
}

interface Cursor {
  deliveredSeq: number;
  readSeq: number;
}

/** Who talks, how often they did so, and how long ago the last word was. */
interface Plan {
  people: [DemoPerson, DemoPerson];
  dialogues: number;
  endedMs: number;
  /** Longest time between two dialogues. */
  pauseHours: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const HOST_TALKS = 36;
const OTHER_TALKS = 260;
const LONG = { dialogues: 70, pauseHours: 20 };
/** Nobody writes between midnight and this hour, UTC. */
const WAKING_HOUR = 7;

/** The conversations of everybody; the hosts have many each, and a very long one with each other. */
export function makeTalks(dice: Dice, people: DemoPerson[], now: Date): Talk[] {
  return [...planHosts(dice, people), ...planOthers(dice, people)].map((plan) => makeTalk(dice, plan, now));
}

function planHosts(dice: Dice, people: DemoPerson[]): Plan[] {
  const [hosts, others] = [people.slice(0, HOSTS.length), people.slice(HOSTS.length)];
  const [first, second] = hosts;
  const plans = hosts.flatMap((host) =>
    dice
      .shuffle(others)
      .slice(0, HOST_TALKS)
      .map((other, index) => plan(dice, [host, other], index ** 2 * 13)),
  );
  return first && second ? [{ ...plan(dice, [first, second], 4), ...LONG }, ...plans] : plans;
}

/** Mostly people of one language; no two people twice. */
function planOthers(dice: Dice, people: DemoPerson[]): Plan[] {
  const others = people.slice(HOSTS.length);
  const pairs = new Map<string, [DemoPerson, DemoPerson]>();
  while (pairs.size < OTHER_TALKS) {
    const one = dice.pick(others);
    const fellows = dice.chance(0.8) ? others.filter(({ language }) => language === one.language) : others;
    const other = dice.pick(fellows);
    if (one !== other) pairs.set([one.key, other.key].sort().join(" "), [one, other]);
  }
  return [...pairs.values()].map((pair) => plan(dice, pair, dice.integer(1, 60) ** 2 * 6));
}

function plan(dice: Dice, people: [DemoPerson, DemoPerson], endedMinutes: number): Plan {
  const endedMs = (endedMinutes + dice.integer(1, 10)) * MINUTE_MS;
  return { people, dialogues: dice.pick([1, 1, 2, 2, 3, 4, 6, 12]), endedMs, pauseHours: 60 };
}

function makeTalk(dice: Dice, { people, dialogues, endedMs, pauseHours }: Plan, now: Date): Talk {
  const said = makeDialogues(dice, languageOf(people), dialogues);
  const last = said.pop() ?? [];
  said.push(dice.chance(0.5) ? last.slice(0, dice.integer(1, last.length)) : last);
  const messages = timed(dice, said, now.getTime() - endedMs, pauseHours);
  return { people, messages, cursors: [cursorOf(dice, messages, 0), cursorOf(dice, messages, 1)] };
}

/** The language both have; the hosts have all of them; anybody else takes to English. */
function languageOf([one, other]: [DemoPerson, DemoPerson]): string {
  const isHost = HOSTS.some((host) => host === one.username);
  return isHost || one.language === other.language ? other.language : "en";
}

/** Times backwards from the end: moments between lines, hours and nights between dialogues. */
function timed(dice: Dice, dialogues: Line[][], endMs: number, pauseHours: number): Said[] {
  const said: Said[] = [];
  let at = endMs;
  for (const dialogue of dialogues.toReversed()) {
    for (const line of dialogue.toReversed()) {
      said.push({ ...line, at: new Date(at) });
      at -= dice.integer(6, 90) * SECOND_MS + line.text.length * 150;
    }
    at = awake(at - dice.integer(2 * 60, pauseHours * 60) * MINUTE_MS);
  }
  return said.reverse();
}

function awake(ms: number): number {
  const hour = new Date(ms).getUTCHours();
  return hour < WAKING_HOUR ? ms - (hour + 2) * HOUR_MS : ms;
}

/** Whoever writes has read what came before; what came after may wait unread, or not even have arrived. */
function cursorOf(dice: Dice, messages: Said[], speaker: 0 | 1): Cursor {
  const lastSeq = messages.length;
  const ownSeq = messages.findLastIndex((message) => message.speaker === speaker) + 1;
  const readSeq = dice.chance(0.6) ? ownSeq : lastSeq;
  const deliveredSeq = dice.chance(0.8) ? lastSeq : dice.integer(readSeq, lastSeq);
  return { deliveredSeq, readSeq };
}
