import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { openTab } from "../messages/talk.ts";
import { startOnOwnStores } from "../operations/own-stores.ts";
import { fieldValue, postForm } from "../support/forms.ts";
import {
  type Answer,
  connect,
  type Device,
  eventually,
  newName,
  request,
  signUp,
} from "../support/person.ts";

/** Limits on what signed-in people do, on nodes that share them, with Redis there and away. */
const SENDS = 40;
const LEASE = SENDS / 20;
const stores = await startOnOwnStores({
  overrides: { LIMIT_SEND_PER_USER: `${SENDS}/10s`, LIMIT_SEARCH_PER_USER: "10/1m" },
});
const first = stores.causerie;
const second = await first.another();
const { lines, settings } = await stores.openLines();
const behindLine = await first.another(settings);

const refused = (answers: Answer[]) => answers.filter(({ ok }) => !ok);

function sendAll(devices: Device[], to: number, count: number): Promise<Answer[]> {
  return Promise.all(
    Array.from({ length: count }, (_each, index) => {
      const device = devices[index % devices.length];
      if (!device) throw new Error("no device");
      return device.send(to, `number ${index}`);
    }),
  );
}

const storedFrom = async (id: number) =>
  (await first.rows<{ n: number }>("SELECT COUNT(*) AS n FROM messages WHERE sender_id = ?", [id]))[0]?.n;

test("a flood of messages is refused in words, with the time to come back, and nothing of it is stored", async () => {
  const [ann, bob] = [await signUp(first), await signUp(first)];
  const tab = await connect(first, ann);
  const answers = await sendAll([tab], bob.id, 3 * SENDS);
  const over = refused(answers);
  assert.equal(await storedFrom(ann.id), answers.length - over.length);
  assert.ok(over.length >= 2 * SENDS - LEASE && over.length <= 2 * SENDS, `${over.length} refused`);
  for (const { error } of over) {
    assert.equal(error?.code, "too_many");
    assert.ok(Number(error?.retryAfterS) >= 1 && Number(error?.retryAfterS) <= 10);
    assert.match(error?.message ?? "", /^That was a lot at once\. Please try again in \d+ seconds?\.$/);
  }
  const others = await connect(first, bob);
  assert.equal((await others.send(ann.id, "and I may")).ok, true, "it is one person's limit");
});

test("tabs at several nodes share one limit, but for a lease each", async () => {
  const [ann, bob] = [await signUp(first), await signUp(first)];
  const tabs = [await connect(first, ann), await connect(second, ann)];
  const over = refused(await sendAll(tabs, bob.id, 3 * SENDS));
  assert.ok(over.length >= 2 * SENDS - 2 * LEASE && over.length <= 2 * SENDS, `${over.length} refused`);
});

test("after the time given the same message is taken, once", async () => {
  const [ann, bob] = [await signUp(first), await signUp(first)];
  const tab = await connect(first, ann);
  const clientId = randomUUID();
  await sendAll([tab], bob.id, SENDS + LEASE);
  const { error } = await tab.send(bob.id, "patience", clientId);
  await new Promise((resolve) => setTimeout(resolve, Number(error?.retryAfterS) * 1000));
  const { ok, message } = await tab.send(bob.id, "patience", clientId);
  assert.deepEqual([ok, message?.message], [true, "patience"]);
});

test("a form that sends too much keeps its text, and answers 429", async () => {
  const [ann, bob] = [await signUp(first), await signUp(first)];
  await sendAll([await connect(first, ann)], bob.id, SENDS + LEASE);
  const clientId = randomUUID();
  const fields = { message: "do not lose me", clientId };
  const page = await ann.post(`/chat/${bob.id}/messages`, fields);
  assert.equal(page.status, 429);
  assert.ok(Number(page.headers.get("retry-after")) >= 1);
  const html = await page.text();
  assert.match(html, /That was a lot at once/);
  assert.match(html, /do not lose me/);
  assert.equal(fieldValue(html, "clientId"), clientId);
  const data = await ann.post(`/chat/${bob.id}/messages`, fields, { accept: "application/json" });
  assert.equal(data.status, 429);
  const { error } = JSON.parse(await data.text());
  assert.deepEqual([error.code, String(error.retryAfterS)], ["too_many", data.headers.get("retry-after")]);
});

test("searching too much answers 429; the list without a search goes on", async () => {
  const ann = await signUp(first);
  const statuses: number[] = [];
  for (let index = 0; index < 14; index += 1) statuses.push((await ann.get("/?q=x")).status);
  assert.deepEqual(statuses.slice(0, 10), Array(10).fill(200));
  assert.ok(
    statuses.slice(11).every((status) => status === 429),
    statuses.join(),
  );
  await ann.post("/locale", { locale: "fr" });
  const page = await ann.get("/?q=x");
  assert.match(
    await page.text(),
    /Il y a eu trop de demandes en peu de temps\. Réessayez dans \d+ secondes\./,
  );
  assert.equal((await ann.get("/")).status, 200);
});

test("while Redis is away open sockets go on under the limit, and nothing else gets in", async () => {
  const [ann, bob] = [await signUp(first), await signUp(first)];
  const tab = await openTab(behindLine, ann);
  await lines.redis.cut();
  const answers = await sendAll([tab], bob.id, 2 * SENDS);
  const over = refused(answers);
  assert.ok(over.length >= SENDS - LEASE && over.length <= SENDS, `${over.length} refused`);
  assert.ok(over.every(({ error }) => error?.code === "too_many" && error.retryAfterS));
  const fields = { username: ann.name, password: ann.password };
  assert.equal((await postForm(behindLine, "/login", fields)).status, 503);
  assert.equal((await postForm(behindLine, "/register", { ...fields, username: newName() })).status, 503);
  assert.equal((await request(behindLine, ann.cookie, "/?q=x")).status, 503);
  await assert.rejects(connect(behindLine, bob));
  await lines.redis.mend();
  await eventually(async () => (await request(behindLine, "", "/readyz")).status === 200, "it is back");
  assert.equal((await postForm(behindLine, "/login", fields)).status, 303);
});

test("a frozen Redis holds no message up for longer than its deadline", async () => {
  const [ann, bob] = [await signUp(first), await signUp(first)];
  const tab = await openTab(first, ann);
  await stores.whileFrozen("redis", async () => {
    const answers = await sendAll([tab], bob.id, 2 * SENDS);
    assert.ok(refused(answers).length >= SENDS - LEASE);
    assert.ok(refused(answers).length <= SENDS);
  });
});
