import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { createConnection } from "mysql2/promise";
import { openTab, startTalk, type Talk } from "../messages/talk.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { freePort } from "../support/network.ts";
import { type Answer, cookiesOf, eventually, logIn, type Person, signUp } from "../support/person.ts";
import { codeOf, turnTwoStepOn } from "../support/two-step.ts";
import { type Ended, runCommand, startCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "causerie-backup-"));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

const causerie = await startCauserie();
const database = new URL(causerie.environment.DATABASE_URL ?? "").pathname.slice(1);

const TEXTS = [
  "👩‍👩‍👧‍👦 🏳️‍🌈 𝄞 𠜎 😀",
  "שלום עולם, مرحبا بالعالم \u202Ehidden\u202C",
  "'; DROP TABLE users; -- \\' \\\\ \\0 %s ` \"",
  "e\u0301 and \u00e9, \u200b\u00a0 and\ttabs",
  "two\nlines\n\nand a last",
  "x".repeat(4000),
];

const backup = (to: string, environment = causerie.environment) =>
  runCommand("src/backup/backup.ts", [to], environment);
const restore = (args: string[], environment = causerie.environment) =>
  runCommand("src/backup/restore.ts", args, environment);

/** One line that fits, and status 1. */
function assertRefused({ status, lines }: Ended, reason: RegExp): void {
  assert.equal(status, 1, lines.join("\n"));
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0] ?? "", reason);
}

/** Everything the server tells somebody of a conversation, from a fresh device. */
async function historyOf(node: Causerie, reader: Pick<Person, "cookie">, otherId: number): Promise<Answer[]> {
  const { ok, messages } = await (await openTab(node, reader)).ask("getMessages", {
    userId: otherId,
    afterRev: 0,
    limit: 200,
  });
  assert.ok(ok);
  return messages;
}

async function say(talk: Talk, texts: string[]): Promise<void> {
  for (const text of texts) assert.ok((await talk.oneDevice.send(talk.two.id, text)).ok, text.slice(0, 20));
}

/** Runs a statement on the server, outside any database. */
async function onServer(sql: string): Promise<void> {
  const url = new URL(causerie.environment.DATABASE_URL ?? "");
  url.pathname = "/";
  const connection = await createConnection({ uri: url.href });
  await connection.query(sql);
  await connection.end();
}

test("what a backup took while people wrote comes back to the letter after everything was wiped", async () => {
  const talk = await startTalk(causerie);
  await say(talk, TEXTS);
  const careful = await signUp(causerie);
  const { secret } = await turnTwoStepOn(careful);
  const before = await historyOf(causerie, talk.two, talk.one.id);
  const isDone = new AbortController();
  const chatting = chatUntil(talk, isDone.signal);
  const taken = await backup(join(folder, "running"));
  isDone.abort();
  const chatted = await chatting;
  assert.equal(taken.status, 0, taken.lines.join("\n"));
  assert.match(taken.lines.join("\n"), /^Backed up to .*running\. /);
  assert.deepEqual(readdirSync(join(folder, "running")).sort(), ["database.sql.gz", "secrets.env"]);
  assert.equal(statSync(join(folder, "running")).mode & 0o777, 0o700);
  for (const file of ["database.sql.gz", "secrets.env"]) {
    assert.equal(statSync(join(folder, "running", file)).mode & 0o777, 0o600, file);
  }

  assertRefused(
    await restore([join(folder, "running"), "--replace"]),
    /^Causerie is running with these stores: /,
  );
  // Somebody of after the backup: her number will be free again, and her session must not be worth anything.
  const late = await signUp(causerie);
  await causerie.stop();
  assertRefused(
    await restore([join(folder, "running")]),
    /^There are people in this database: add --replace /,
  );

  await onServer(`DROP DATABASE ${database}`);
  rmSync(causerie.environment.DATA_DIR ?? "", { recursive: true });
  const put = await restore([join(folder, "running")]);
  assert.deepEqual(put, {
    status: 0,
    lines: [`Restored from ${join(folder, "running")}. Everybody logs in again.`],
  });

  const again = await causerie.another();
  const next = await signUp(again);
  assert.equal(next.id, late.id, "numbers are given anew");
  for (const { cookie } of [talk.one, late]) {
    const response = await fetch(`${again.url}/`, { headers: { cookie }, redirect: "manual" });
    assert.equal(response.status, 303, "old sessions are gone");
  }
  const { name: username, password } = careful;
  const half = await postForm(again, "/login", { username, password });
  const whole = await postForm(again, "/login/code", { code: codeOf(secret) }, { cookie: cookiesOf(half) });
  assert.equal(whole.headers.get("location"), "/", "the secrets of two-step login still open");
  const one = await logIn(again, talk.one);
  assert.equal(one.id, talk.one.id);
  const history = await historyOf(again, one, talk.two.id);
  assert.deepEqual(history.slice(0, before.length), before);
  assert.deepEqual(
    history.map(({ seq, message }) => [seq, message]),
    ["1", ...TEXTS, ...chatted].slice(0, history.length).map((text, index) => [index + 1, text]),
  );
  const { message } = await (await openTab(again, one)).send(talk.two.id, "and on");
  assert.equal(message.seq, history.length + 1);
  await again.stop();
});

/** Says one thing after the other; returns what was said. */
async function chatUntil(talk: Talk, signal: AbortSignal): Promise<string[]> {
  const said: string[] = [];
  while (!signal.aborted) {
    const text = `while it is taken ${said.length}`;
    assert.ok((await talk.oneDevice.send(talk.two.id, text)).ok);
    said.push(text);
  }
  return said;
}

// After the first test: the chat is stopped, its database is filled.
test("a dump that is not whole or does not load is refused in one line, and nothing has changed", async () => {
  const everything = async () => {
    const url = new URL(causerie.environment.DATABASE_URL ?? "");
    const connection = await createConnection({ uri: url.href });
    const rows = await Promise.all(
      ["users", "conversations", "memberships", "messages"].map(async (table) => {
        const [found] = await connection.query(`SELECT * FROM ${table} ORDER BY 1, 2`);
        return found;
      }),
    );
    const [databases] = await connection.query(`SHOW DATABASES LIKE '${database}%'`);
    await connection.end();
    return [rows, databases];
  };
  const whole = readFileSync(join(folder, "running", "database.sql.gz"));
  const text = gunzipSync(whole).toString();
  const inserting = text.indexOf("INSERT INTO `users`");
  const wrong = `${text.slice(0, inserting)}INSERT INTO nothing VALUES (1);\n${text.slice(inserting)}`;
  const cases: [string, Buffer, RegExp][] = [
    [
      "cut",
      whole.subarray(0, whole.length - 100),
      /^\S+cut\/database\.sql\.gz is damaged \(unexpected end of file\)\.$/,
    ],
    ["turned", flipped(whole), /^\S+turned\/database\.sql\.gz is damaged \(.+\)\.$/],
    ["no-gzip", Buffer.from(text), /^\S+no-gzip\/database\.sql\.gz is damaged \(incorrect header check\)\.$/],
    ["short", gzipSync(text.slice(0, -300)), /is not a whole dump: its end is missing\.$/],
    ["empty", gzipSync(""), /is not a whole dump: its end is missing\.$/],
    ["wrong", gzipSync(wrong), /^The backup could not be loaded: ERROR .*'nothing' was not locked/],
  ];
  const before = await everything();
  for (const [name, content, reason] of cases) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "database.sql.gz"), content);
    assertRefused(await restore([join(folder, name), "--replace"]), reason);
  }
  assert.deepEqual(await everything(), before);
});

function flipped(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 0xff;
  return copy;
}

test("a wrong folder, option or address ends with one line and status 1, and leaves nothing behind", async () => {
  const here = join(folder, "refused");
  mkdirSync(here);
  writeFileSync(join(here, "file"), "");
  const gone = { ...causerie.environment, DATABASE_URL: `mysql://u:hush@127.0.0.1:${await freePort()}/x` };
  const nothing = { ...causerie.environment, DATABASE_URL: "", DATA_DIR: join(here, "data") };
  const noRedis = { ...causerie.environment, REDIS_URL: `redis://127.0.0.1:${await freePort()}` };
  const cases: [Promise<Ended>, RegExp][] = [
    [restore([]), /^Name a backup's folder, the one with database\.sql\.gz in it: /],
    [restore([here]), /^Name a backup's folder/],
    [restore([here, "--force"]), /^Usage: npm run restore -- FOLDER \[--replace\]$/],
    [restore([join(folder, "running"), "--replace"], gone), /^Cannot use the database \(.*ECONNREFUSED/],
    [restore([join(folder, "running"), "--replace"], noRedis), /^Cannot use Redis \(/],
    [backup(here), /refused exists already: name a folder that does not\.$/],
    [backup(join(here, "file", "below")), /^ENOTDIR: /],
    [backup(join(here, "gone"), gone), /^The database could not be dumped: .*Can't connect/],
    [backup(join(here, "nothing"), nothing), /^There is no database in \S+: set DATA_DIR or DATABASE_URL /],
  ];
  for (const [ended, reason] of cases) assertRefused(await ended, reason);
  assert.deepEqual(readdirSync(here).sort(), ["data", "file"]);
});

test("private stores are backed up while they run and while they do not, and restored into an empty folder", async () => {
  const DATA_DIR = join(folder, "private");
  const environment = { ...causerie.environment, DATABASE_URL: "", REDIS_URL: "", DATA_DIR };
  const node = await causerie.another(environment);
  const talk = await startTalk(node);
  await say(talk, TEXTS);
  const history = await historyOf(node, talk.one, talk.two.id);
  const running = await backup(join(folder, "private-running"), environment);
  assert.equal(running.status, 0, running.lines.join("\n"));
  assertRefused(
    await restore([join(folder, "private-running"), "--replace"], environment),
    /^Causerie is already running with this data folder /,
  );
  await node.stop();
  const stopped = await backup(join(folder, "private-stopped"), environment);
  assert.equal(stopped.status, 0, stopped.lines.join("\n"));
  const pictures = ["private-running", "private-stopped"].map((name) =>
    gunzipSync(readFileSync(join(folder, name, "database.sql.gz"))).toString(),
  );
  const [whileRunning, whileStopped] = pictures.map((text) => text.match(/^INSERT INTO `messages` .*$/gm));
  assert.ok(whileRunning);
  assert.deepEqual(whileRunning, whileStopped);

  const secrets = readFileSync(join(DATA_DIR, "secrets.env"), "utf8");
  rmSync(DATA_DIR, { recursive: true });
  const put = await restore([join(folder, "private-stopped")], environment);
  assert.equal(put.status, 0, put.lines.join("\n"));
  assert.equal(readFileSync(join(DATA_DIR, "secrets.env"), "utf8"), secrets);

  const again = await causerie.another(environment);
  const one = await logIn(again, talk.one);
  assert.deepEqual(await historyOf(again, one, talk.two.id), history);
  const { message } = await (await openTab(again, one)).send(talk.two.id, "and on");
  assert.equal(message.seq, history.length + 1);
  await again.stop();

  // Interrupted while it has the data folder: it gives the folder back and leaves no half of a backup.
  const { child, ended } = startCommand("src/backup/backup.ts", [join(folder, "interrupted")], environment);
  await eventually(() => existsSync(join(DATA_DIR, "lock")), "it has begun", 10_000);
  child.kill("SIGTERM");
  assertRefused(await ended, /^Stopped before it was done\.$/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("interrupted")),
    [],
  );
  assert.equal(existsSync(join(DATA_DIR, "lock")), false);
});
