import type { Connection } from "mysql2/promise";
import { PASSWORD_SCHEME } from "../../src/auth/passwords.ts";
import { directKey } from "../../src/conversations/conversations.queries.ts";
import { seededDice } from "../../src/demo/random.ts";
import { suffixesOf, usernameKey } from "../../src/users/usernames.ts";
import { nameOf } from "./names.ts";
import { planTalks } from "./plan.ts";
import { type Cell, loadRows } from "./seed.queries.ts";
import type { Size } from "./sizes.ts";
import { makeTalks, type Talk } from "./talks.ts";

const SEED = 20_261_121;
const START_MS = Date.UTC(2026, 0);
const SPAN_MS = 300 * 86_400_000;

/**
 * Fills an empty database with a dataset: the same rows for a size each time, but for the salt in the password's hash.
 * Everybody has the same password.
 */
export async function fill(connection: Connection, size: Size, passwordHash: string): Promise<void> {
  const dice = seededDice(SEED);
  const timeOf = (messageId: number) => timeText(START_MS + ((messageId - 1) * SPAN_MS) / size.messages);
  const seen = new Map<number, string>();
  const rest: { conversations: Cell[][]; memberships: Cell[][] } = { conversations: [], memberships: [] };
  await loadRows(connection, "messages", messageRows());
  await loadRows(connection, "conversations", rest.conversations);
  await loadRows(connection, "memberships", rest.memberships);
  await fillPeople(connection, { from: 1, to: size.users, passwordHash, seen });

  // What the smaller tables will hold is gathered on the way, so that the large one is made only once.
  function* messageRows(): Generator<Cell[]> {
    for (const talk of makeTalks(dice, planTalks(dice, size))) {
      rest.conversations.push(conversationRow(talk));
      rest.memberships.push(...membershipRows(talk));
      for (const { id, seq, senderId, clientId, textHash, text } of talk.messages) {
        yield [talk.id, seq, id, senderId, clientId, textHash, text, timeOf(id), seq];
      }
      for (const userId of talk.pair) noteSeen(userId, talk);
    }
  }

  function conversationRow({ id, pair, messages }: Talk): Cell[] {
    const count = messages.length;
    const [first, last] = [messages[0]?.id ?? 1, messages.at(-1)?.id ?? 1];
    return [id, "direct", directKey(...pair), count, count, timeOf(last), timeOf(first)];
  }

  function membershipRows({ id, messages, members }: Talk): Cell[][] {
    const last = timeOf(messages.at(-1)?.id ?? 1);
    const sorted = members.toSorted((a, b) => a.userId - b.userId);
    return sorted.map((member) => [
      ...[id, member.userId, member.deliveredSeq, member.readSeq, member.unreadCount, last],
    ]);
  }

  /** Whoever wrote was there. */
  function noteSeen(userId: number, { messages }: Talk): void {
    const id = messages.findLast(({ senderId }) => senderId === userId)?.id;
    const at = id === undefined ? "" : timeOf(id);
    if (at > (seen.get(userId) ?? "")) seen.set(userId, at);
  }
}

/** People to make: their numbers, both ends included, what their passwords hash to, and when they were there last. */
interface People {
  from: number;
  to: number;
  passwordHash: string;
  seen?: Map<number, string>;
}

/** Makes people, with what the search for them needs. */
export async function fillPeople(connection: Connection, people: People): Promise<void> {
  await loadRows(connection, "users", userRows(people));
  await loadRows(connection, "suffixes", suffixRows(people));
}

function* userRows({ from, to, passwordHash, seen }: People): Generator<Cell[]> {
  for (let id = from; id <= to; id += 1) {
    const name = nameOf(id);
    const key = usernameKey(name);
    const seenAt = seen?.get(id) ?? null;
    yield [id, name, key, passwordHash, PASSWORD_SCHEME, "en", seenAt, timeText(START_MS)];
  }
}

/** In the order of the table's key, which is that of the text's bytes. */
function suffixRows({ from, to }: People): Cell[][] {
  const ids = Array.from({ length: to - from + 1 }, (_none, index) => from + index);
  const rows = ids.flatMap((id) =>
    suffixesOf(usernameKey(nameOf(id))).map(({ suffix, freshFrom }) => ({ suffix, id, freshFrom })),
  );
  rows.sort((a, b) => (a.suffix < b.suffix ? -1 : a.suffix > b.suffix ? 1 : a.id - b.id));
  return rows.map(({ suffix, id, freshFrom }) => [suffix, id, freshFrom]);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}
