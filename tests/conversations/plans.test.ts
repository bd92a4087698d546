import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findByBeginning, findByPart } from "../../src/conversations/people.queries.ts";
import { listPeople } from "../../src/conversations/people.ts";
import { configure } from "../../src/platform/config.ts";
import { closeDatabase, db, openDatabase } from "../../src/platform/db.ts";
import { suffixesOf, usernameKey } from "../../src/users/usernames.ts";
import { startCauserie } from "../support/causerie.ts";
import { statementsOf } from "../support/reads.ts";

/** Whether every statement of the list goes by an index and reads about what it shows, however many users. */

const causerie = await startCauserie();
const USERS = 4000;
const TALKS = 300;
const PAGE = 20;
/** A page, its people's rows and what is skipped; a scan of any table here reads thousands. */
const READ_MAX = 400;
const START_MS = Date.UTC(2026, 0);
const actor = { userId: 1 };

const SYLLABLES = ["an", "a", "be", "mi", "lo", "ka", "ré", "na", "nan", "to", "ß", "o_", "x"];
const syllable = (at: number) => SYLLABLES[at % SYLLABLES.length] ?? "";
const names = Array.from({ length: USERS }, (_, index) => {
  const beginning = [index, index >> 3, index * 7 + (index >> 5)].map(syllable).join("");
  return beginning + index.toString(36) + syllable(index >> 2);
});

before(async () => {
  configure(causerie.environment);
  openDatabase(causerie.environment.DATABASE_URL ?? "", 3);
  await insertCrowd();
});
after(closeDatabase);

async function insertCrowd(): Promise<void> {
  const users = names.map((name, index) => [index + 1, name, usernameKey(name), "x".repeat(60), 1]);
  const suffixes = users.flatMap(([id, , key]) =>
    suffixesOf(String(key)).map(({ suffix, freshFrom }) => [suffix, id ?? 0, freshFrom]),
  );
  const pairs = Array.from({ length: USERS - 1 }, (_, index) =>
    index < TALKS ? [1, index + 2] : [index + 1, index + 2],
  );
  const conversations = pairs.map(([low, high], index) => [
    ...[index + 1, `${low}:${high}`, new Date(START_MS + index * 1000)],
  ]);
  const memberships = pairs.flatMap((pair, index) =>
    pair.map((user) => [index + 1, user, index % 3, new Date(START_MS + index * 1000)]),
  );
  await fill(
    "users (id, username, username_key, password_hash, password_scheme, created_at)",
    users,
    "NOW(3)",
  );
  await fill("username_suffixes (suffix, user_id, fresh_from)", suffixes);
  await fill(
    "conversations (id, direct_key, last_message_at, kind, last_seq, last_rev, created_at)",
    conversations,
    "'direct', 1, 1, NOW(3)",
  );
  await fill("memberships (conversation_id, user_id, unread_count, last_message_at)", memberships);
  const messages = pairs.map(([low], index) => [
    index + 1,
    low ?? 0,
    Buffer.alloc(16, index),
    Buffer.alloc(32),
  ]);
  await fill(
    "messages (conversation_id, sender_id, client_id, text_hash, seq, rev, message, created_at)",
    messages,
    "1, 1, 'hello', NOW(3)",
  );
  await db.query("ANALYZE TABLE users, username_suffixes, conversations, memberships, messages");
}

/** Inserts rows, each with the same SQL behind its own values. */
async function fill(table: string, rows: (string | number | Date | Buffer)[][], same = ""): Promise<void> {
  for (let start = 0; start < rows.length; start += 2000) {
    const part = rows.slice(start, start + 2000);
    const marks = part.map((row) => `(${[...row.map(() => "?"), ...(same ? [same] : [])].join(", ")})`);
    await db.writeMany(`INSERT INTO ${table} VALUES ${marks.join(", ")}`, part.flat());
  }
}

const list = (q: string, next: string | null = null) => listPeople(actor, { q, after: next, limit: PAGE });

async function nthPage(q: string, pages: number): Promise<string | null> {
  let next: string | null = null;
  for (let page = 0; page < pages; page += 1) ({ next } = await list(q, next));
  assert.ok(next, "there are so many pages");
  return next;
}

const WORKS: Record<string, () => Promise<unknown>> = {
  "the first page of the list": () => list(""),
  "the last conversations and the first names": async () => list("", await nthPage("", TALKS / PAGE - 1)),
  "names in the middle of the list": () => list("", cursorOf(["name", usernameKey(names[2000] ?? "")])),
  "a search for a letter that most names have": () => list("a"),
  "a later page of that search": () => list("a", cursorOf(["part", "a", 0])),
  "a search for one name": () => list(names[1234] ?? ""),
  "a search for a part of one name": () => list((names[1234] ?? "").slice(2)),
  "a search that finds nobody": () => list("zzzz"),
  "a search for signs": () => list("_"),
};

const cursorOf = (place: (string | number)[]) => Buffer.from(JSON.stringify(place)).toString("base64url");

for (const [what, work] of Object.entries(WORKS)) {
  test(`goes by an index and reads no more than it needs: ${what}`, async () => {
    const statements = await statementsOf(work);
    assert.ok(statements.length > 0);
    for (const { sql, reads, scanned } of statements) {
      assert.deepEqual(scanned, [], sql);
      assert.ok(reads < READ_MAX, `${reads} reads by ${sql}`);
    }
  });
}

test("the two statements of a search find exactly whose name contains the part, each once", async () => {
  const everybody = names.map((name, index) => ({ userId: index + 1, key: usernameKey(name) }));
  const parts = [
    "a",
    "an",
    "nan",
    "ana",
    "anan",
    "_",
    "o_",
    "ss",
    "ß",
    "zzzz",
    "%",
    "re",
    "x1",
    usernameKey(names[9] ?? ""),
  ];
  for (const part of parts) {
    const first = await findByBeginning(1, part, "", USERS);
    const inside = await findByPart(1, part, { suffix: "", userId: 0 }, USERS);
    const found = [...first, ...inside].map(({ userId }) => userId).sort((a, b) => a - b);
    const expected = everybody.filter(({ userId, key }) => userId !== 1 && key.includes(part));
    assert.deepEqual(
      found,
      expected.map(({ userId }) => userId),
      part,
    );
  }
});

test("a walk through thousands meets everybody exactly once, with and without a search", async () => {
  for (const q of ["", "nan"]) {
    const seen: number[] = [];
    let next: string | null = null;
    do {
      const page = await listPeople(actor, { q, after: next, limit: 200 });
      seen.push(...page.rows.map(({ userId }) => userId));
      next = page.next;
    } while (next !== null);
    const expected = names.flatMap((name, index) =>
      usernameKey(name).includes(q) && index > 0 ? [index + 1] : [],
    );
    assert.equal(seen.length, expected.length);
    assert.deepEqual(new Set(seen), new Set(expected));
  }
});
