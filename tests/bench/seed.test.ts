import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Connection } from "mysql2/promise";
import { fill } from "../../bench/seed/fill.ts";
import { nameOf } from "../../bench/seed/names.ts";
import { connectForLoading } from "../../bench/seed/seed.queries.ts";
import { suffixesOf, usernameKey } from "../../src/users/usernames.ts";
import { startCauserie } from "../support/causerie.ts";
import { connect, logIn, signUp } from "../support/person.ts";

/** Whether the rows that benches measure on are those that the app would have written. */

const causerie = await startCauserie();
const SIZE = { name: "small", users: 80, messages: 6000, longest: 2000, busiest: 30, others: 100 } as const;
const TABLES = ["users", "username_suffixes", "conversations", "memberships", "messages"];
const password = "password of everybody here";

before(async () => {
  const host = await signUp(causerie, nameOf(1), password);
  const [row] = await causerie.rows<{ hash: string }>(
    "SELECT password_hash AS hash FROM users WHERE id = ?",
    [host.id],
  );
  const loading = await connectForLoading(causerie.environment.DATABASE_URL ?? "");
  try {
    await emptyAndFill(loading, row?.hash ?? "");
    const first = await everything();
    await emptyAndFill(loading, row?.hash ?? "");
    assert.deepEqual(await everything(), first, "the same rows each time");
  } finally {
    await loading.end();
  }
});

async function emptyAndFill(loading: Connection, hash: string): Promise<void> {
  for (const table of TABLES) await loading.query(`TRUNCATE TABLE ${table}`);
  await fill(loading, SIZE, hash);
}

/** All rows; MariaDB's CHECKSUM of a table with a derived column differs where these do not. */
const everything = () =>
  Promise.all(TABLES.map((table) => causerie.rows(`SELECT * FROM ${table} ORDER BY 1, 2`)));

const none = async (what: string, from: string) => {
  const [row] = await causerie.rows<{ bad: number }>(`SELECT COUNT(*) AS bad FROM ${from}`);
  assert.equal(Number(row?.bad), 0, what);
};

test("a dataset has as many of everything as it says", async () => {
  const count = async (from: string) =>
    Number((await causerie.rows<{ n: number }>(`SELECT COUNT(*) AS n FROM ${from}`))[0]?.n);
  assert.equal(await count("users"), SIZE.users);
  assert.equal(await count("messages"), SIZE.messages);
  assert.equal(await count("conversations"), SIZE.busiest + SIZE.others);
  assert.equal(await count("memberships WHERE user_id = 1"), SIZE.busiest);
  const long = "messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.direct_key = '1:2'";
  assert.equal(await count(long), SIZE.longest);
});

test("counters, cursors and times of a dataset are what its messages make them", async () => {
  await none(
    "counters",
    `conversations c JOIN (
       SELECT conversation_id, COUNT(*) AS n, MIN(seq) AS low, MAX(seq) AS high, MAX(rev) AS rev,
              MIN(created_at) AS began, MAX(created_at) AS ended
       FROM messages GROUP BY conversation_id
     ) m ON m.conversation_id = c.id
     WHERE NOT (c.last_seq = n AND low = 1 AND high = n AND c.last_rev = m.rev AND m.rev = n
       AND c.last_message_at = ended AND c.created_at = began)`,
  );
  await none(
    "memberships",
    `memberships b JOIN conversations c ON c.id = b.conversation_id
     WHERE NOT (b.last_message_at = c.last_message_at AND b.read_seq <= b.delivered_seq
       AND b.delivered_seq <= c.last_seq AND b.unread_count = (
         SELECT COUNT(*) FROM messages m
         WHERE m.conversation_id = b.conversation_id AND m.seq > b.read_seq AND m.sender_id <> b.user_id))`,
  );
  await none(
    "an own message that follows at once was read when it was sent",
    `memberships b JOIN messages m ON m.conversation_id = b.conversation_id AND m.seq = b.read_seq + 1
     WHERE m.sender_id = b.user_id`,
  );
  await none(
    "who sent belongs to the conversation",
    `messages m LEFT JOIN memberships b ON b.conversation_id = m.conversation_id AND b.user_id = m.sender_id
     WHERE b.user_id IS NULL`,
  );
  await none(
    "ids, numbers and times grow together",
    `messages m JOIN messages n ON n.conversation_id = m.conversation_id AND n.seq = m.seq + 1
     WHERE NOT (n.id > m.id AND n.created_at >= m.created_at)`,
  );
  await none("time by id", "messages m JOIN messages n ON n.id = m.id + 1 WHERE n.created_at < m.created_at");
});

test("hashes, ids of sends and endings of names in a dataset are true", async () => {
  await none("hashes", "messages WHERE text_hash <> UNHEX(SHA2(message, 256))");
  await none(
    "UUIDs",
    "messages WHERE HEX(client_id) NOT REGEXP '^[0-9A-F]{12}4[0-9A-F]{3}[89AB][0-9A-F]{15}$'",
  );
  const rows = await causerie.rows<{ suffix: string; userId: number; freshFrom: number }>(
    "SELECT suffix, user_id AS userId, fresh_from AS freshFrom FROM username_suffixes",
  );
  const expected = Array.from({ length: SIZE.users }, (_none, index) => index + 1).flatMap((userId) =>
    suffixesOf(usernameKey(nameOf(userId))).map((each) => ({ ...each, userId })),
  );
  const text = (row: { suffix: string; userId: number; freshFrom: number }) =>
    `${row.userId} ${row.suffix} ${row.freshFrom}`;
  assert.deepEqual(new Set(rows.map(text)), new Set(expected.map(text)));
});

test("the app goes on with a dataset: a login, the next number, the unread count", async () => {
  const [busy, partner] = [
    await logIn(causerie, { name: nameOf(1), password }),
    await logIn(causerie, { name: nameOf(2), password }),
  ];
  assert.deepEqual([busy.id, partner.id], [1, 2]);
  const [device, other] = [await connect(causerie, busy), await connect(causerie, partner)];
  const answer = await device.send(partner.id, "and on it goes");
  assert.equal(answer.ok, true);
  assert.equal(answer.message.seq, SIZE.longest + 1);
  assert.equal(answer.message.id, SIZE.messages + 1);
  const half = SIZE.longest / 2;
  const { cursors } = await other.ask("readMessages", { userId: busy.id, seq: half + 10 });
  const [row] = await causerie.rows<{ n: number }>(
    `SELECT COUNT(*) AS n FROM messages m JOIN conversations c ON c.id = m.conversation_id
     WHERE c.direct_key = '1:2' AND m.seq > ? AND m.sender_id <> 2`,
    [half + 10],
  );
  assert.equal(cursors[0].unread, Number(row?.n));
});
