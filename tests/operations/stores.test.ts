import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { messagesIn, openTab, startTalk, type Talk } from "../messages/talk.ts";
import type { Causerie } from "../support/causerie.ts";
import { connect, type Device, eventually, logIn, newName, request, signUp } from "../support/person.ts";
import { openTestRedis } from "../support/redis.ts";
import { startOnOwnStores } from "./own-stores.ts";

/** What docs/operations.md promises of stores that fail, in ms. */
const DATABASE_PAGE_MS = 5000;
const REDIS_PAGE_MS = 2000;
/** A browser waits this long for an acknowledgement. */
const ANSWER_MS = 10_000;
const BACK_MS = 10_000;
const STOP_MS = 10_000;
const TEST_MS = 500; // for the test's own work, on a machine that does other things too

const { causerie, whileFrozen, kill, openLines } = await startOnOwnStores();
const { lines, settings } = await openLines();
const overLines = await causerie.another(settings);

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const since = performance.now();
  return { result: await work, ms: performance.now() - since };
}

/** A page in the app's own style, and JSON for whoever asks, both 503 and both in time. */
async function assertUnavailable(
  node: Causerie,
  cookie: string,
  path: string,
  limitMs: number,
): Promise<void> {
  const [page, json] = await Promise.all([
    timed(request(node, cookie, path)),
    timed(request(node, cookie, path, { headers: { accept: "application/json" } })),
  ]);
  for (const { result, ms } of [page, json]) {
    assert.equal(result.status, 503, path);
    assert.ok(ms < limitMs + TEST_MS, `${path} took ${ms} ms`);
    assert.ok(Number(result.headers.get("retry-after")) > 0);
    assert.equal(result.headers.get("cache-control"), "no-store");
  }
  const html = await page.result.text();
  assert.match(html, /<link rel="stylesheet" href="\/build\//);
  assert.match(html, /<h1>/);
  assert.doesNotMatch(html, /data-people|data-conversation-id/, "nothing that needs a session");
  const body: unknown = await json.result.json();
  assert.deepEqual(Object.keys(Object(body)), ["error"]);
  assert.match(JSON.stringify(body), /"code":"unavailable"/);
}

/** Resolves with the name that could not be registered. */
async function assertNobodyGetsIn(node: Causerie, talk: Talk, limitMs: number): Promise<string> {
  const { name, password } = talk.one;
  const newcomer = newName();
  const assertRefused = async (path: string, username: string) => {
    const body = new URLSearchParams({ username, password });
    const { result, ms } = await timed(request(node, "", path, { method: "POST", body }));
    assert.equal(result.status, 503, path);
    assert.ok(ms < limitMs + TEST_MS, `${path} took ${ms} ms`);
    assert.deepEqual(
      result.headers.getSetCookie().filter((cookie) => cookie.includes("causerie")),
      [],
    );
  };
  await Promise.all([assertRefused("/login", name), assertRefused("/register", newcomer)]);
  return newcomer;
}

async function assertReadiness(node: Causerie, status: number, parts: object): Promise<void> {
  const response = await fetch(`${node.url}/readyz`);
  assert.equal(response.status, status);
  const body = Object(await response.json());
  assert.deepEqual({ database: body.database, redis: body.redis }, parts);
}

/** What became of a send, by its `clientId`. */
interface Outcome {
  clientId: string;
  code: string;
  ms: number;
}

async function sendTimed(device: Device, receiverId: number): Promise<Outcome> {
  const clientId = randomUUID();
  const send = { receiverId, message: clientId, clientId };
  const { result, ms } = await timed(device.socket.timeout(15_000).emitWithAck("sendMessage", send));
  return { clientId, code: result.ok ? "ok" : result.error.code, ms };
}

/** Sends again and again until `isOver`; resolves with every outcome. */
async function sendUntil(device: Device, receiverId: number, isOver: () => boolean): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  while (!isOver()) outcomes.push(await sendTimed(device, receiverId));
  return outcomes;
}

/** Every `ok` is stored once, nothing refused ever came, and a doubt is settled by sending again. */
async function assertTrue(node: Causerie, talk: Talk, outcomes: Outcome[]): Promise<void> {
  assert.deepEqual(
    outcomes.filter(({ code }) => !["ok", "unavailable", "unknown"].includes(code)),
    [],
  );
  const slow = outcomes.filter(({ ms }) => ms > ANSWER_MS);
  assert.deepEqual(slow, [], "answered within the browser's own deadline");
  const device = await openTab(node, talk.one);
  for (const { clientId } of outcomes.filter(({ code }) => code === "unknown")) {
    assert.ok((await device.send(talk.two.id, clientId, clientId)).ok);
  }
  const stored = await messagesIn(causerie, talk.id);
  assert.deepEqual(
    stored.map(({ seq }) => seq),
    stored.map((_, index) => index + 1),
  );
  const ids = stored.map(({ clientId }) => clientId);
  const wanted = outcomes.filter(({ code }) => code !== "unavailable").map(({ clientId }) => clientId);
  const ours = new Set(outcomes.map(({ clientId }) => clientId));
  assert.deepEqual(ids.filter((id) => ours.has(id)).sort(), wanted.sort());
}

/** Resolves once pages and sends work again; fails 10 s after the store is there. */
async function assertBack(node: Causerie, talk: Talk, device: Device): Promise<void> {
  const isBack = async () =>
    (await talk.one.get(`/chat/${talk.two.id}`)).status === 200 &&
    (await fetch(`${node.url}/readyz`)).status === 200 &&
    (await sendTimed(device, talk.two.id)).code === "ok";
  await eventually(isBack, "service is back", BACK_MS);
}

test("MariaDB frozen: 503 in time, no send is acknowledged that is not stored, and service comes back", async () => {
  const talk = await startTalk(causerie, 3);
  let isOver = false;
  const { cookie } = talk.one;
  // More than one at a time, so that some wait for the batch that is frozen.
  const devices = await Promise.all([talk.oneDevice, ...[1, 2, 3].map(() => openTab(causerie, talk.one))]);
  const sending = Promise.all(devices.map((device) => sendUntil(device, talk.two.id, () => isOver)));
  await talk.twoDevice.until("receiveMessage", ({ seq }) => seq > 10);
  await whileFrozen("mariadb", async () => {
    await Promise.all([
      assertUnavailable(causerie, cookie, `/chat/${talk.two.id}`, DATABASE_PAGE_MS),
      assertUnavailable(causerie, cookie, "/", DATABASE_PAGE_MS),
      assertNobodyGetsIn(causerie, talk, DATABASE_PAGE_MS),
      assertReadiness(causerie, 503, { database: false, redis: true }),
    ]);
    const before = talk.twoDevice.news("receiveMessage").length;
    isOver = true;
    const outcomes = await Promise.all(devices.map((device) => sendTimed(device, talk.two.id)));
    assert.deepEqual(
      outcomes.filter(({ code }) => !["unavailable", "unknown"].includes(code)),
      [],
    );
    assert.equal(talk.twoDevice.news("receiveMessage").length, before, "no news of what is not stored");
  });
  await assertBack(causerie, talk, talk.oneDevice);
  const outcomes = (await sending).flat();
  assert.ok(outcomes.some(({ code }) => code === "ok") && outcomes.some(({ code }) => code !== "ok"));
  await assertTrue(causerie, talk, outcomes);
});

test("MariaDB not to be reached: the same, and back without a restart", async () => {
  const talk = await startTalk(overLines);
  let isOver = false;
  const sending = sendUntil(talk.oneDevice, talk.two.id, () => isOver);
  await talk.twoDevice.until("receiveMessage", ({ seq }) => seq > 10);
  await lines.mariadb.cut();
  await Promise.all([
    assertUnavailable(overLines, talk.one.cookie, `/chat/${talk.two.id}`, DATABASE_PAGE_MS),
    assertNobodyGetsIn(overLines, talk, DATABASE_PAGE_MS),
    assertReadiness(overLines, 503, { database: false, redis: true }),
  ]);
  const { code } = await sendTimed(talk.oneDevice, talk.two.id);
  assert.ok(["unavailable", "unknown"].includes(code), code);
  isOver = true;
  await lines.mariadb.mend();
  await assertBack(overLines, talk, talk.oneDevice);
  await assertTrue(overLines, talk, await sending);
});

test("MariaDB killed: it is started again, and what was acknowledged is there", async () => {
  const talk = await startTalk(causerie);
  let isOver = false;
  const sending = sendUntil(talk.oneDevice, talk.two.id, () => isOver);
  await talk.twoDevice.until("receiveMessage", ({ seq }) => seq > 10);
  await kill("mariadb");
  await assertBack(causerie, talk, talk.oneDevice);
  isOver = true;
  await assertTrue(causerie, talk, await sending);
});

/** With Redis away: nothing opens that needs a session, and open sockets go on. */
async function assertWithoutRedis(node: Causerie, talk: Talk): Promise<void> {
  const [newcomer] = await Promise.all([
    assertNobodyGetsIn(node, talk, REDIS_PAGE_MS),
    assertUnavailable(node, talk.one.cookie, "/", REDIS_PAGE_MS),
    assertUnavailable(node, talk.one.cookie, `/chat/${talk.two.id}`, REDIS_PAGE_MS),
    assertReadiness(node, 503, { database: true, redis: false }),
    assertNoSocket(node, talk),
  ]);
  const taken = await causerie.rows("SELECT id FROM users WHERE username = ?", [newcomer]);
  assert.deepEqual(taken, [], "a name is not taken by somebody who was told to come later");
  const { result, ms } = await timed(talk.oneDevice.send(talk.two.id, "without Redis"));
  assert.ok(result.ok && ms < 1000 + TEST_MS, `sent in ${ms} ms`);
  for (const device of [talk.oneDevice, talk.twoDevice]) {
    await device.until("receiveMessage", ({ id }) => id === result.message.id, 1000);
  }
}

/** A handshake is refused, or cut before anything is answered. */
async function assertNoSocket(node: Causerie, { one }: Talk): Promise<void> {
  const device = await connect(node, one).catch(() => null);
  const answer = await device?.ask("watchUsers", { userIds: [] }).catch(() => null);
  assert.notEqual(answer?.ok, true);
  if (device) await eventually(() => device.socket.disconnected, "it is cut");
}

test("Redis frozen: 503 within 2 s, nobody gets in, open sockets go on, and service comes back", async () => {
  const talk = await startTalk(causerie);
  await whileFrozen("redis", () => assertWithoutRedis(causerie, talk));
  await assertBack(causerie, talk, talk.oneDevice);
  assert.ok(talk.oneDevice.socket.connected && talk.twoDevice.socket.connected);
  await logIn(causerie, talk.one);
  assert.ok((await (await openTab(causerie, talk.one)).send(talk.two.id, "back")).ok);
});

test("Redis not to be reached: the same, and back without a restart", async () => {
  const talk = await startTalk(overLines);
  const elsewhere = await openTab(causerie, talk.two);
  await lines.redis.cut();
  await assertWithoutRedis(overLines, talk);
  await lines.redis.mend();
  await assertBack(overLines, talk, talk.oneDevice);
  assert.ok(talk.oneDevice.socket.connected && talk.twoDevice.socket.connected);
  await eventually(async () => {
    const { message } = await talk.oneDevice.send(talk.two.id, "to the other node");
    return elsewhere.until("receiveMessage", ({ id }) => id === message.id, 500).then(Boolean, () => false);
  }, "nodes hear each other again");
});

test("Redis killed: it is started again and people stay logged in", async () => {
  const talk = await startTalk(causerie);
  await kill("redis");
  await assertBack(causerie, talk, talk.oneDevice);
  assert.ok(talk.oneDevice.socket.connected, "an open socket is checked and stays");
});

test("Redis emptied: everybody has to log in again at once, and no message is lost", async () => {
  const talk = await startTalk(causerie, 5);
  const redis = await openTestRedis(causerie);
  await redis.flushAll();
  for (const path of ["/", `/chat/${talk.two.id}`, "/settings"]) {
    const response = await talk.one.get(path);
    assert.equal(response.status, 303, path);
    assert.match(response.headers.get("location") ?? "", /^\/login/);
  }
  await assertNoSocket(causerie, talk);
  const again = await logIn(causerie, talk.one);
  const { messages } = await (await openTab(causerie, again)).ask("getMessages", {
    userId: talk.two.id,
    afterRev: 0,
  });
  assert.deepEqual(
    messages.map(({ message }: { message: string }) => message),
    ["1", "2", "3", "4", "5"],
  );
});

for (const store of ["mariadb", "redis"] as const) {
  test(`a node and one of two processes that are stopped while ${store} is frozen are gone within 10 s`, async () => {
    const nodes = await Promise.all([causerie.another(), causerie.another({ WEB_CONCURRENCY: "2" })]);
    const tabs = await Promise.all(nodes.map(async (node) => openTab(node, await signUp(node))));
    const bob = await signUp(causerie);
    for (const tab of tabs) assert.ok((await tab.send(bob.id, "begin")).ok);
    await whileFrozen(store, async () => {
      const asked = tabs.map((tab) => tab.send(bob.id, "under way").catch(() => null));
      await Promise.all(nodes.map(assertStops));
      await Promise.all(asked);
    });
  });
}

async function assertStops(node: Causerie): Promise<void> {
  const gone = once(node.process, "exit");
  node.process.kill("SIGTERM");
  const { result, ms } = await timed(gone);
  assert.deepEqual(result, [0, null], node.output());
  assert.ok(ms < STOP_MS, `${ms} ms`);
}
