import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { freePort } from "../support/network.ts";
import { eventually, type Person, signUp } from "../support/person.ts";
import { answerOf, openTab } from "./talk.ts";

const causerie = await startCauserie({ NODE_ENV: "development" });
const production = await inProduction({});
const chatty = await inProduction({ LOG_MESSAGES: "true" });

async function inProduction(overrides: Record<string, string>): Promise<Causerie> {
  const port = String(await freePort());
  return causerie.another({
    ...{ NODE_ENV: "production", PUBLIC_URL: `http://127.0.0.1:${port}`, PORT: port, BCRYPT_COST: "10" },
    ...{ SESSION_SECRET: "s".repeat(32), PASSWORD_KEY: "p".repeat(32), ...overrides },
  });
}

/** Controls and the two separators that some terminals and log readers take for line ends. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

const linesOf = (node: Causerie) => node.output().split("\n");

/** Sends by form and returns every line that a node has printed of the sender's messages so far. */
async function linesAfter(node: Causerie, from: Person, to: Person, texts: string[]): Promise<string[]> {
  let last = "";
  for (const message of texts) {
    const fields = { message, clientId: randomUUID() };
    const response = await from.post(`/chat/${to.id}/messages`, fields, { accept: "application/json" });
    assert.equal(response.status, 201);
    last = (await answerOf(response)).message.timestamp;
  }
  const linesOfSender = () => linesOf(node).filter((line) => line.includes(from.name));
  await eventually(() => linesOfSender().some((line) => line.includes(last)), "the last message's line");
  return linesOfSender();
}

const couple = (node: Causerie) => Promise.all([signUp(node), signUp(node)]);

test("in development the terminal shows each message on one line, with its five fields", async () => {
  const [ann, bob] = await couple(causerie);
  const [line = "", ...more] = await linesAfter(causerie, ann, bob, ['Good "morning", Bob']);
  assert.deepEqual(more, []);
  for (const field of [
    `sender="${ann.name}"`,
    `senderId=${ann.id}`,
    `receiverId=${bob.id}`,
    `message="Good \\"morning\\", Bob"`,
  ]) {
    assert.ok(line.includes(` ${field}`), `${field} in ${line}`);
  }
  assert.match(line, / timestamp="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/);
});

test("a text with line breaks stays on its line, and forges no other", async () => {
  const [ann, bob] = await couple(causerie);
  const forged = `message  sender="${bob.name}" senderId=${bob.id} receiverId=1 message="forged"`;
  const texts = [
    `a\n12:00:00 ${forged}`,
    `b\r12:00:01 ${forged}`,
    `c\u2028${forged}`,
    `\u001b[2K\u001b[1A${forged}`,
  ];
  const lines = await linesAfter(causerie, ann, bob, texts);
  assert.equal(lines.length, texts.length);
  for (const line of lines)
    assert.match(line, new RegExp(`^\\d\\d:\\d\\d:\\d\\d message {2}sender="${ann.name}"`));
  assert.equal(
    linesOf(causerie).filter((line) => /^\d\d:\d\d:\d\d message {2}sender="forged/.test(line)).length,
    0,
  );
  for (const hidden of ["\u001b", "\r"]) assert.equal(causerie.output().includes(hidden), false);
});

test("no control character of a text reaches the terminal, where it could begin a line or hide one", async () => {
  const [ann, bob] = await couple(causerie);
  const lines = await linesAfter(causerie, ann, bob, [
    "a\u0085b",
    "c\u009b2Kd",
    "e\u007ff",
    "g\u2028h\u2029i",
  ]);
  for (const line of lines) assert.doesNotMatch(line, CONTROL);
});

test("a message that is sent again has its line once", async () => {
  const [ann, bob] = await couple(causerie);
  const fields = { message: "once in the terminal", clientId: randomUUID() };
  for (let press = 0; press < 3; press += 1) await ann.post(`/chat/${bob.id}/messages`, fields);
  const lines = await linesAfter(causerie, ann, bob, ["the next one"]);
  assert.equal(lines.filter((line) => line.includes("once in the terminal")).length, 1);
});

test("a message that is sent several times at once has its line once", async () => {
  const [ann, bob] = await couple(causerie);
  const tab = await openTab(causerie, ann);
  const clientId = randomUUID();
  await tab.send(bob.id, "the first one");
  // While this is being stored the others gather behind it.
  const running = tab.send(bob.id, "the second one");
  await Promise.all(Array.from({ length: 8 }, () => tab.send(bob.id, "all at once", clientId)));
  assert.equal((await running).ok, true);
  const lines = await linesAfter(causerie, ann, bob, ["the next one"]);
  assert.equal(lines.filter((line) => line.includes("all at once")).length, 1);
});

test("a message that was refused has no line", async () => {
  const [ann, bob] = await couple(causerie);
  await ann.post(`/chat/${bob.id}/messages`, { message: "x".repeat(4001), clientId: randomUUID() });
  await ann.post(`/chat/${ann.id}/messages`, { message: "to myself", clientId: randomUUID() });
  assert.equal((await linesAfter(causerie, ann, bob, ["the only one"])).length, 1);
});

test("in production the line leaves the text out", async () => {
  const [ann, bob] = await couple(production);
  const [line = "{}"] = await linesAfter(production, ann, bob, ["nobody's business"]);
  const { sender, senderId, receiverId, timestamp, ...rest } = JSON.parse(line);
  assert.deepEqual([sender, senderId, receiverId], [ann.name, ann.id, bob.id]);
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal("message" in rest, false);
  assert.doesNotMatch(production.output(), /nobody's business/);
});

test("in production the text is shown where the operator asks for it, on one line", async () => {
  const [ann, bob] = await couple(chatty);
  const text = `first\n{"sender":"${bob.name}","message":"forged"}\r\u2028last`;
  const lines = await linesAfter(chatty, ann, bob, [text]);
  assert.equal(lines.length, 1);
  const { message } = JSON.parse(lines[0] ?? "{}");
  assert.equal(message, text.replace("\r", "\n"));
});
