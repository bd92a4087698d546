import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { connect, eventually, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";

const DAY_S = 86_400;
const IDLE_S = 3;
const ABSOLUTE_S = 6;
const short = await startCauserie({
  SESSION_IDLE_DAYS: String(IDLE_S / DAY_S),
  SESSION_ABSOLUTE_DAYS: String(ABSOLUTE_S / DAY_S),
});
const redis = await openTestRedis(short);
const seconds = (since: number) => (performance.now() - since) / 1000;

test("an unused session is over after its time, and its sockets are cut within a second, on every node", async () => {
  const node = await short.another();
  const person = await signUp(short);
  const since = performance.now();
  const sockets = [await connect(short, person), await connect(node, person)];
  await eventually(() => sockets.every(({ socket }) => !socket.connected), "both are cut", 6000);
  const after = seconds(since);
  assert.ok(after > IDLE_S - 0.2 && after < IDLE_S * 1.1 + 1.2, `after ${after} s`);
  assert.equal(await redis.exists(sessionKeyOf(short, person.cookie)), 0);
  assert.equal((await person.get("/")).headers.get("location"), "/login?next=%2F");
  await assert.rejects(connect(short, person), /unauthorized/);
  await node.stop();
});

test("a session in use lasts, by pages or by what is written, until it is too old", async () => {
  const [reader, writer] = [await signUp(short), await signUp(short)];
  const since = performance.now();
  const [reading, writing] = [await connect(short, reader), await connect(short, writer)];
  let lastRead = 0;
  let lastWritten = 0;
  const end = since + (ABSOLUTE_S + 2) * 1000;
  while (performance.now() < end && (reading.socket.connected || writing.socket.connected)) {
    if ((await request(short, reader.cookie, "/settings")).status === 200) lastRead = seconds(since);
    const typed = await writing
      .ask("typing", { userId: reader.id, typing: true })
      .catch(() => ({ ok: false }));
    if (typed.ok) lastWritten = seconds(since);
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  for (const last of [lastRead, lastWritten]) {
    assert.ok(last > IDLE_S * 1.1 + 0.5 && last < ABSOLUTE_S + 0.5, `in use until ${last} s`);
  }
  assert.ok(seconds(since) < ABSOLUTE_S + 1.5, "both sockets are cut then");
  assert.equal((await reader.get("/")).status, 303);
});

test("what a page does by itself is no use of a session", async () => {
  const person = await signUp(short);
  const device = await connect(short, person);
  const since = performance.now();
  while (device.socket.connected && seconds(since) < ABSOLUTE_S) {
    await device.ask("getConversations", {}).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(seconds(since) < IDLE_S * 1.1 + 1.2, `cut after ${seconds(since)} s`);
});
