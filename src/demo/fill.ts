import { createHash } from "node:crypto";
import { hasAdministrator, insertAdministrator } from "../administration/administration.queries.ts";
import { hashPassword, PASSWORD_SCHEME } from "../auth/passwords.ts";
import { directKey } from "../conversations/conversations.queries.ts";
import { parseMessageText } from "../messages/message-text.ts";
import { db, type Queryable } from "../platform/db.ts";
import { suffixesOf, usernameKey } from "../users/usernames.ts";
import {
  findUserIds,
  insertAllSuffixes,
  insertConversations,
  insertMembershipRows,
  insertPastMessages,
  insertUsers,
  type MembershipRow,
  type PastMessage,
} from "./demo.queries.ts";
import { type DemoPerson, HOSTS, makePeople } from "./people.ts";
import { type Dice, randomUuid, seededDice } from "./random.ts";
import { makeTalks, type Talk } from "./talks.ts";

/** What was put into the database. */
export interface Filled {
  people: number;
  conversations: number;
  messages: number;
}

const SEED = 20_261_121;
const SEEN_LATER_MS = 90_000;

/**
 * Fills the database, all or nothing; null when a host is there already, which is how a second run is told. A
 * name that somebody else took is left to them.
 */
export async function fill(password: string, now: Date): Promise<Filled | null> {
  const dice = seededDice(SEED);
  const wanted = makePeople(dice, now);
  const taken = await findUserIds(
    db,
    wanted.map((person) => person.key),
  );
  if (HOSTS.some((host) => taken.has(usernameKey(host)))) return null;
  const people = wanted.filter((person) => !taken.has(person.key));
  const talks = makeTalks(dice, people, now);
  const passwordHash = await hashPassword(password);
  const messages = await db.transaction(async (tx) => {
    const userIds = await storePeople(tx, people, talks, passwordHash);
    // Otherwise whoever registers next would be taken for the first, and be everybody's administrator.
    if (!(await hasAdministrator())) await insertAdministrator(tx, idOf(userIds, usernameKey(HOSTS[0])));
    return storeTalks(tx, dice, numbered(talks, userIds));
  });
  return { people: people.length, conversations: talks.length, messages };
}

async function storePeople(
  tx: Queryable,
  people: DemoPerson[],
  talks: Talk[],
  passwordHash: string,
): Promise<Map<string, number>> {
  const seen = lastSeen(talks);
  const rows = people.map(({ username, key, language, createdAt }) => ({
    ...{ username, usernameKey: key, passwordHash, passwordScheme: PASSWORD_SCHEME, createdAt },
    ...{ locale: language === "fr" ? "fr" : "en", lastSeenAt: seen.get(key) ?? null },
  }));
  await insertUsers(tx, rows);
  const keys = people.map((person) => person.key);
  const ids = await findUserIds(tx, keys);
  const suffixes = keys.flatMap((key) => {
    const userId = idOf(ids, key);
    return suffixesOf(key).map((suffix) => ({ ...suffix, userId }));
  });
  await insertAllSuffixes(tx, suffixes);
  return ids;
}

/** A while after the last message that somebody wrote or got. */
function lastSeen(talks: Talk[]): Map<string, Date> {
  const seen = new Map<string, Date>();
  for (const { people, messages, cursors } of talks) {
    for (const [index, person] of people.entries()) {
      const at = messages[(cursors[index]?.deliveredSeq ?? 0) - 1]?.at.getTime() ?? 0;
      const before = seen.get(person.key)?.getTime() ?? 0;
      if (at > 0) seen.set(person.key, new Date(Math.max(before, at + SEEN_LATER_MS)));
    }
  }
  return seen;
}

/** A talk whose people have ids. */
interface NumberedTalk extends Talk {
  userIds: [number, number];
  directKey: string;
}

function numbered(talks: Talk[], ids: Map<string, number>): NumberedTalk[] {
  return talks.map((talk) => {
    const userIds: [number, number] = [idOf(ids, talk.people[0].key), idOf(ids, talk.people[1].key)];
    return { ...talk, userIds, directKey: directKey(...userIds) };
  });
}

/** @returns how many messages there were */
async function storeTalks(tx: Queryable, dice: Dice, talks: NumberedTalk[]): Promise<number> {
  const ids = await insertConversations(tx, talks.map(conversationOf));
  await insertMembershipRows(
    tx,
    talks.flatMap((talk) => membershipsOf(talk, idOf(ids, talk.directKey))),
  );
  const messages = talks.flatMap((talk) => messagesOf(dice, talk, idOf(ids, talk.directKey)));
  // In the order of time, so that `id` grows as it does in life.
  messages.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  await insertPastMessages(tx, messages);
  return messages.length;
}

function conversationOf({ directKey, messages }: NumberedTalk) {
  const count = messages.length;
  return {
    directKey,
    lastSeq: count,
    lastRev: count,
    lastMessageAt: endOf(messages),
    createdAt: startOf(messages),
  };
}

function membershipsOf(
  { userIds, messages, cursors }: NumberedTalk,
  conversationId: number,
): MembershipRow[] {
  return cursors.map((cursor, index) => ({
    ...{ ...cursor, conversationId, userId: userIds[index] ?? 0, lastMessageAt: endOf(messages) },
    unreadCount: messages.slice(cursor.readSeq).filter(({ speaker }) => speaker !== index).length,
  }));
}

function messagesOf(dice: Dice, { userIds, messages }: NumberedTalk, conversationId: number): PastMessage[] {
  return messages.map(({ speaker, text, at }, index) => {
    const message = parseMessageText(text);
    return {
      ...{
        conversationId,
        seq: index + 1,
        rev: index + 1,
        senderId: userIds[speaker],
        createdAt: at,
        message,
      },
      clientId: randomUuid(dice),
      textHash: createHash("sha256").update(message).digest(),
    };
  });
}

function startOf(messages: Talk["messages"]): Date {
  return messages[0]?.at ?? new Date(0);
}

function endOf(messages: Talk["messages"]): Date {
  return messages.at(-1)?.at ?? new Date(0);
}

function idOf(ids: Map<string, number>, key: string): number {
  const id = ids.get(key);
  if (id === undefined) throw new Error(`${key} was just inserted and cannot be read back`);
  return id;
}
