import assert from "node:assert/strict";
import { after, before, mock, test } from "node:test";
import { countUnread, findDirect, findDirectById } from "../../src/conversations/conversations.queries.ts";
import { findByBeginning, findByPart } from "../../src/conversations/people.queries.ts";
import { listPeople } from "../../src/conversations/people.ts";
import { configure } from "../../src/platform/config.ts";
import { closeDatabase, db, openDatabase, type Queryable, type Value } from "../../src/platform/db.ts";
import { suffixesOf, usernameKey } from "../../src/users/usernames.ts";
import {
  findAuthVersions,
  findCredentials,
  findLastSeen,
  findViewer,
} from "../../src/users/users.queries.ts";
import { startCauserie } from "../support/causerie.ts";

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
  const conversations = pairs.map(([low, high], index) => [index + 1, `${low}:${high}`]);
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
    "conversations (id, direct_key, kind, last_seq, last_rev, created_at)",
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

interface Statement {
  sql: string;
  values: readonly Value[];
}

/** The statements that some work runs. */
async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const execute = mock.method(db, "execute");
  const query = mock.method(db, "query");
  try {
    await work();
    const calls = [...execute.mock.calls, ...query.mock.calls];
    return calls.map(({ arguments: [sql, values = []] }) => ({ sql, values }));
  } finally {
    mock.restoreAll();
  }
}

interface Step {
  table: string | null;
  type: string | null;
  rows: number | null;
}

/** The tables that a statement reads whole, derived ones (of a page's few rows) apart. */
async function scansOf({ sql, values }: Statement): Promise<Step[]> {
  const steps = await db.query<Step>(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, values);
  return steps.filter(
    ({ table, type, rows }) => table !== null && !table.startsWith("<") && isScan(type, rows),
  );
}

/** How many rows and index entries the database touches for a statement, on one connection. */
function readsOf({ sql, values }: Statement): Promise<number> {
  return db.transaction(async (tx) => {
    const noise = -(await handlerReads(tx)) + (await handlerReads(tx));
    const start = await handlerReads(tx);
    await tx.query(sql, values);
    return (await handlerReads(tx)) - start - noise;
  });
}

/** An index that is walked in its order and left after a page reads no more than a range does. */
function isScan(type: string | null, rows: number | null): boolean {
  return type === "ALL" || (type === "index" && (rows ?? USERS) > PAGE + 1);
}

async function handlerReads(tx: Queryable): Promise<number> {
  const rows = await tx.query<{ Value: string }>("SHOW SESSION STATUS LIKE 'Handler\\_read%'");
  assert.ok(rows.length >= 5);
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
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
  "the number in the title": () => countUnread(1, 100),
  "a conversation by person": () => findDirect(1, 77),
  "a conversation by id": () => findDirectById(1, 77),
  "who logs in": () => findCredentials(usernameKey(names[7] ?? "")),
  "who asks for a page": () => findViewer(7),
  "versions of many": () => findAuthVersions([5, 6, 7]),
  "last seen of many": () => findLastSeen([5, 6, 7]),
};

const cursorOf = (place: (string | number)[]) => Buffer.from(JSON.stringify(place)).toString("base64url");

for (const [what, work] of Object.entries(WORKS)) {
  test(`goes by an index and reads no more than it needs: ${what}`, async () => {
    const statements = await statementsOf(work);
    assert.ok(statements.length > 0);
    for (const statement of statements) {
      assert.deepEqual(await scansOf(statement), [], statement.sql);
      const reads = await readsOf(statement);
      assert.ok(reads < READ_MAX, `${reads} reads by ${statement.sql}`);
    }
  });
}

test("a statement that reads a whole table would be noticed", async () => {
  const statement = { sql: "SELECT id FROM users WHERE password_scheme = 2", values: [] };
  assert.equal((await scansOf(statement)).length, 1);
  assert.ok((await readsOf(statement)) >= USERS);
});

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
