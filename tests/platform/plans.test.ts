import assert from "node:assert/strict";
import { glob } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fill } from "../../bench/seed/fill.ts";
import { connectForLoading } from "../../bench/seed/seed.queries.ts";
import * as accounts from "../../src/accounts/accounts.queries.ts";
import * as conversations from "../../src/conversations/conversations.queries.ts";
import * as people from "../../src/conversations/people.queries.ts";
import * as messages from "../../src/messages/messages.queries.ts";
import * as receipts from "../../src/messages/receipts.queries.ts";
import * as writer from "../../src/messages/writer.queries.ts";
import { configure } from "../../src/platform/config.ts";
import { closeDatabase, openDatabase, type Queryable, type Statement } from "../../src/platform/db.ts";
import * as sessions from "../../src/sessions/sessions.queries.ts";
import * as users from "../../src/users/users.queries.ts";
import { startCauserie } from "../support/causerie.ts";
import { statementsOf } from "../support/reads.ts";

/**
 * Whether every statement that runs while somebody waits goes by an index and touches about as much as it is about,
 * on tables large enough for the database to choose as it does in life. Each is run, and taken back.
 */

const causerie = await startCauserie();
const SIZE = {
  name: "small",
  users: 5000,
  messages: 40_000,
  longest: 15_000,
  busiest: 400,
  others: 8000,
} as const;
const PAGE = 50;
const BATCH = 200;
const NOW = new Date(Date.UTC(2026, 10, 21));

interface Counters {
  id: number;
  lastSeq: number;
}
/** The long conversation, and a batch of others. */
let long: Counters = { id: 0, lastSeq: 0 };
let many: (Counters & { senderId: number })[] = [];

before(async () => {
  configure(causerie.environment);
  openDatabase(causerie.environment.DATABASE_URL ?? "", 2);
  const loading = await connectForLoading(causerie.environment.DATABASE_URL ?? "");
  await fill(loading, SIZE, "-");
  await loading.query("ANALYZE TABLE users, username_suffixes, conversations, memberships, messages");
  await loading.end();
  const [first] = await causerie.rows<Counters>(
    "SELECT id, last_seq AS lastSeq FROM conversations WHERE direct_key = '1:2'",
  );
  assert.ok(first);
  long = first;
  many = await causerie.rows(
    `SELECT c.id, c.last_seq AS lastSeq, MIN(m.user_id) AS senderId FROM conversations c
     JOIN memberships m ON m.conversation_id = c.id WHERE c.id % 7 = 0 GROUP BY c.id ORDER BY c.id LIMIT ${BATCH}`,
  );
});
after(closeDatabase);

interface Call {
  run: (tx: Queryable) => Promise<unknown>;
  /** How many rows it is about, where it does not return or write them. */
  about?: number;
}

const runOn = (tx: Queryable, { sql, values }: Statement) => tx.writeMany(sql, values);
const runAll = (tx: Queryable, statements: Statement[]) =>
  Promise.all(statements.map((statement) => runOn(tx, statement)));
const ids = () => many.map(({ id }) => id);
const next = () =>
  many.map(({ id, lastSeq, senderId }, index) => ({
    ...{ conversationId: id, senderId, clientId: Buffer.alloc(16, index), message: "hello", createdAt: NOW },
    ...{ seq: lastSeq + 1, rev: lastSeq + 1, textHash: Buffer.alloc(32) },
  }));
const members = () =>
  many.map(({ id, senderId }) => ({
    ...{ conversationId: id, userId: senderId, deliveredSeq: 1, readSeq: 1, unreadCount: 0 },
    ...{ lastMessageAt: NOW, lastSeq: 1, memberIds: [] },
  }));
const newcomer = { username: "New", usernameKey: "new", passwordHash: "-", passwordScheme: 1, locale: "en" };
const someIds = Array.from({ length: 20 }, (_none, index) => 100 + index * 7);
const account = { id: 7, authVersion: 1 };

/** Every hot statement, with what it is asked in life. */
const HOT: Record<string, Call | Call[]> = {
  findDirect: { run: () => conversations.findDirect(1, 2) },
  findDirectById: { run: () => conversations.findDirectById(1, long.id) },
  findDirectIds: { run: () => conversations.findDirectIds(["1:2", `1:${SIZE.users}`]) },
  insertDirects: { run: (tx) => conversations.insertDirects(tx, ["1:2", `1:${SIZE.users}`]) },
  insertMemberships: {
    run: (tx) => conversations.insertMemberships(tx, [{ conversationId: 1_000_000, userId: 1 }]),
  },
  countUnread: { run: () => conversations.countUnread(1, 100), about: 100 },

  findTalkedWith: [
    { run: () => people.findTalkedWith(1, null, 21) },
    { run: () => people.findTalkedWith(1, { at: NOW, conversationId: long.id }, 21) },
  ],
  findNotTalkedWith: [
    { run: () => people.findNotTalkedWith(1, "", 21) },
    { run: () => people.findNotTalkedWith(1, "m", 21) },
  ],
  findByBeginning: { run: () => people.findByBeginning(1, "an", "anko", 21) },
  findByPart: [
    { run: () => people.findByPart(1, "a", { suffix: "", userId: 0 }, 21), about: 60 },
    { run: () => people.findByPart(1, "an", { suffix: "anko", userId: 17 }, 21) },
  ],
  findPersonRows: { run: () => people.findPersonRows(1, someIds) },

  findNewest: { run: () => messages.findNewest(long.id, PAGE) },
  findBefore: { run: () => messages.findBefore(long.id, long.lastSeq / 2, PAGE) },
  findFrom: { run: () => messages.findFrom(long.id, long.lastSeq / 2, PAGE) },
  findChangedSince: [
    { run: () => messages.findChangedSince(long.id, 10, 201) },
    { run: () => messages.findChangedSince(long.id, long.lastSeq - 10, 201) },
  ],

  lockCursors: { run: (tx) => receipts.lockCursors(tx, members()) },
  countOthers: {
    run: (tx) =>
      receipts.countOthers(tx, [
        { conversationId: long.id, userId: 2, after: 7000, to: 7100 },
        { conversationId: long.id, userId: 1, after: 14_900, to: 15_000 },
      ]),
    about: 200,
  },
  updateCursors: { run: (tx) => receipts.updateCursors(tx, members()), about: BATCH },

  lockConversations: { run: (tx) => runOn(tx, conversations.lockConversations(ids())), about: BATCH },
  lockRemembered: {
    run: (tx) =>
      runOn(
        tx,
        writer.lockRemembered(many.map(({ id, lastSeq }) => ({ conversationId: id, lastRev: lastSeq }))),
      ),
    about: BATCH,
  },
  noteTime: { run: (tx) => runOn(tx, writer.noteTime()) },
  findMembers: { run: (tx) => writer.findMembers(tx, ids()), about: 2 * BATCH },
  findSent: { run: (tx) => writer.findSent(tx, next()), about: BATCH },
  insertMessages: { run: (tx) => runAll(tx, [writer.noteTime(), writer.insertMessages(next())]) },
  findInsertedIds: {
    run: async (tx) => {
      await runAll(tx, [writer.noteTime(), writer.insertMessages(next())]);
      return runOn(tx, writer.findInsertedIds(BATCH));
    },
    about: 2 * BATCH,
  },
  findStored: {
    run: () => writer.findStored(many.map(({ id, lastSeq }) => ({ conversationId: id, seq: lastSeq }))),
  },
  raiseCounters: {
    run: (tx) =>
      runAll(
        tx,
        writer.raiseCounters(many.map(({ id }, index) => ({ conversationId: id, by: 1 + (index % 2) }))),
      ),
    about: BATCH,
  },
  moveMembers: {
    run: (tx) =>
      runOn(tx, writer.moveMembers(members().map((member) => ({ ...member, from: 1, to: 2, unread: 1 })))),
    about: BATCH,
  },

  insertUser: { run: (tx) => users.insertUser(tx, newcomer) },
  insertSuffixes: { run: (tx) => users.insertSuffixes(tx, 1_000_000, [{ suffix: "ew", freshFrom: 1 }]) },
  findViewer: { run: () => users.findViewer(7) },
  findViewers: { run: () => users.findViewers(someIds) },
  holdAccounts: { run: (tx) => users.holdAccounts(tx, [7, 8]) },
  findCredentials: { run: () => users.findCredentials("nobody") },
  findCredentialsById: { run: () => users.findCredentialsById(7) },
  findAuthVersions: { run: () => users.findAuthVersions(someIds) },
  updatePreference: { run: () => users.updatePreference(7, "theme", "dark") },
  updateLastSeen: { run: () => users.updateLastSeen(new Map(someIds.map((id) => [id, Number(NOW)]))) },
  findLastSeen: { run: () => users.findLastSeen(someIds) },

  updatePassword: { run: (tx) => accounts.updatePassword(tx, account, "-", 1) },
  updateHash: { run: () => accounts.updateHash(7, "-", "-", 1) },
  eraseUser: { run: (tx) => accounts.eraseUser(tx, account) },
  raiseAuthVersion: { run: () => sessions.raiseAuthVersion(7, 1) },
  deleteInvitationsUsedBy: { run: (tx) => accounts.deleteInvitationsUsedBy(tx, 7) },
  findConversationIds: { run: (tx) => accounts.findConversationIds(tx, 1) },
  endConversations: { run: (tx) => accounts.endConversations(tx, ids()), about: BATCH },
};

/** Functions beside the statements, and statements that may take their time, each with its reason. */
const APART: Record<string, string> = {
  directKey: "asks nothing",
  peopleOfKey: "asks nothing",
  deleteSuffixes: "once in an account's life; no index by person is worth its room for that",
};

/** Folders whose statements run while nobody waits for a page, or once in a login or an administrator's day. */
const COLD = /^src\/(demo|backup|two-step|administration|resets)\//;

/** What a statement may touch for a row that it is about: that row in each of five tables, and a temporary copy. */
const READS_A_ROW = 8;
const READS_BESIDE = 40;

for (const [name, calls] of Object.entries(HOT)) {
  test(`goes by an index and touches about what it is about: ${name}`, async () => {
    for (const { run, about = 0 } of [calls].flat()) {
      const statements = await statementsOf(run);
      assert.ok(statements.length > 0, "it runs a statement");
      for (const { sql, rows, reads, sorted, scanned } of statements) {
        assert.deepEqual(scanned, [], `reads a whole table: ${sql}`);
        const most = Math.max(rows, about) * READS_A_ROW + READS_BESIDE;
        assert.ok(reads <= most, `${reads} reads for ${Math.max(rows, about)} rows: ${sql.slice(0, 500)}`);
        assert.ok(sorted <= Math.max(rows, about), `${sorted} rows are sorted for ${rows}: ${sql}`);
      }
    }
  });
}

test("every statement of every feature is here, or stands apart for a reason", async () => {
  const known = new Set([...Object.keys(HOT), ...Object.keys(APART)]);
  const exported: string[] = [];
  for await (const file of glob("src/**/*.queries.ts")) {
    if (COLD.test(file)) continue;
    const module: Record<string, unknown> = await import(resolve(file));
    for (const [name, value] of Object.entries(module)) {
      if (typeof value !== "function") continue;
      exported.push(name);
      assert.ok(known.has(name), `${name} of ${basename(file)} is neither in HOT nor in APART`);
    }
  }
  assert.deepEqual(new Set(exported), known, "what stands here exists");
  assert.equal(new Set(exported).size, exported.length, "two statements of one name could not be told apart");
});

test("a scan, a history that is sorted, and one that is read for a page would be noticed", async () => {
  const [scan, sort, sorted] = await statementsOf(async (tx) => {
    await tx.query("SELECT id FROM users WHERE password_scheme = 2");
    await tx.query("SELECT seq FROM messages WHERE conversation_id = ? ORDER BY created_at LIMIT 50", [
      long.id,
    ]);
    await tx.query("SELECT seq FROM messages WHERE conversation_id = ? ORDER BY created_at", [long.id]);
  });
  assert.deepEqual(scan?.scanned, ["users"]);
  assert.ok((scan?.reads ?? 0) >= SIZE.users);
  assert.ok((sort?.reads ?? 0) >= SIZE.longest);
  assert.ok((sorted?.sorted ?? 0) >= SIZE.longest);
});
