import { parseUsername, usernameKey } from "../users/usernames.ts";
import { type Culture, cultures } from "./names.ts";
import type { Dice } from "./random.ts";

/** Somebody of the demo, before the database has given an id. */
export interface DemoPerson {
  username: string;
  key: string;
  language: string;
  createdAt: Date;
  lastSeenAt: Date | null;
}

/** The two whose names are told at the end: open one in each of two browsers. */
export const HOSTS = ["Camille", "Mateo"] as const;

const PEOPLE = 320;
const DAY_MS = 86_400_000;
const AGE_DAYS_MIN = 90;
const AGE_DAYS_MAX = 400;

/** The hosts first, then a few hundred others, no two names alike. */
export function makePeople(dice: Dice, now: Date): DemoPerson[] {
  const people = new Map(
    HOSTS.map((username) => [usernameKey(username), makePerson(dice, now, username, "en")]),
  );
  while (people.size < PEOPLE) {
    const culture = dice.pick(cultures);
    const username = parseUsername(makeName(dice, culture));
    if (username === null) continue;
    const person = makePerson(dice, now, username, culture.language);
    if (!people.has(person.key)) people.set(person.key, person);
  }
  return [...people.values()];
}

function makePerson(dice: Dice, now: Date, username: string, language: string): DemoPerson {
  const createdAt = new Date(
    now.getTime() - dice.integer(AGE_DAYS_MIN * 24, AGE_DAYS_MAX * 24) * (DAY_MS / 24),
  );
  return { username, key: usernameKey(username), language, createdAt, lastSeenAt: null };
}

/** A name as people choose them: one's own, with the family's in some way, or with a number. */
function makeName(dice: Dice, culture: Culture): string {
  const given = dice.pick(culture.given);
  const family = dice.pick(culture.family);
  const full = culture.familyFirst ? family + given : `${given}_${family}`;
  const dotted = culture.familyFirst ? `${family}.${given}` : `${given}.${family}`.toLowerCase();
  return dice.pick([given, full, full, dotted, `${given}${dice.integer(2, 99)}`]);
}
