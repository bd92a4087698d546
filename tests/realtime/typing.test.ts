import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { conversationBetween, memberIn, openTab, settled, startTalk, tableSizes } from "../messages/talk.ts";
import { startCauserie } from "../support/causerie.ts";
import { signUp } from "../support/person.ts";
import { openTestRedis } from "../support/redis.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);

/** The names of everything kept in Redis but what presence renews by itself. */
async function keptKeys(): Promise<string[]> {
  const keys = await redis.keys(`${causerie.redisPrefix}*`);
  return keys.filter((key) => !key.includes("presence:")).sort();
}

test("typing reaches every tab of the other person, no own tab and nobody else", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const eve = await signUp(causerie);
  const [onePhone, twoPhone, eveTab] = await Promise.all(
    [one, two, eve].map((who) => openTab(causerie, who)),
  );
  assert.ok(onePhone && twoPhone && eveTab);
  assert.deepEqual(await oneDevice.ask("typing", { receiverId: two.id, typing: true }), { ok: true });
  assert.deepEqual(await oneDevice.ask("typing", { conversationId: id, typing: false }), { ok: true });
  for (const device of [twoDevice, twoPhone]) {
    await settled(device, two, oneDevice);
    assert.deepEqual(device.news("typing"), [
      { conversationId: id, userId: one.id, typing: true },
      { conversationId: id, userId: one.id, typing: false },
    ]);
  }
  for (const [device, owner] of [
    [oneDevice, one],
    [onePhone, one],
    [eveTab, eve],
  ] as const) {
    await settled(device, owner, twoDevice);
    assert.deepEqual(device.news("typing"), []);
  }
});

test("typing needs no acknowledgement", async () => {
  const { two, oneDevice, twoDevice } = await startTalk(causerie);
  oneDevice.socket.emit("typing", { receiverId: two.id, typing: true });
  assert.equal((await twoDevice.until("typing")).typing, true);
});

test("typing is stored nowhere, and begins no conversation", async () => {
  const { id, two, oneDevice } = await startTalk(causerie);
  const stranger = await signUp(causerie);
  const strangerTab = await openTab(causerie, stranger);
  const before = [await tableSizes(causerie), await memberIn(causerie, id, two), await keptKeys()];
  await oneDevice.ask("typing", { receiverId: two.id, typing: true });
  await oneDevice.ask("typing", { receiverId: stranger.id, typing: true });
  const news = await strangerTab.until("typing");
  assert.equal(news.conversationId, null, "there is none yet");
  assert.deepEqual([await tableSizes(causerie), await memberIn(causerie, id, two), await keptKeys()], before);
  assert.equal(await conversationBetween(causerie, stranger, { id: news.userId }), undefined);
});

test("nobody types to oneself, to nobody or into a stranger's conversation", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const eve = await signUp(causerie);
  const eveTab = await openTab(causerie, eve);
  for (const target of [{ receiverId: eve.id }, { receiverId: 999_999_999 }, { conversationId: id }]) {
    const answer = await eveTab.ask("typing", { ...target, typing: true });
    assert.equal(answer.error?.code, "not_found");
  }
  for (const typing of ["true", 1, null, undefined]) {
    assert.equal((await oneDevice.ask("typing", { receiverId: two.id, typing })).error?.code, "invalid");
  }
  assert.equal((await oneDevice.ask("typing", { typing: true })).error?.code, "invalid");
  await settled(twoDevice, two, oneDevice);
  await settled(oneDevice, one, twoDevice);
  assert.deepEqual([...oneDevice.news("typing"), ...twoDevice.news("typing")], []);
});

test("the other's message may come while somebody types", async () => {
  const { one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const clientId = randomUUID();
  const typed = oneDevice.ask("typing", { receiverId: two.id, typing: true });
  assert.equal((await twoDevice.send(one.id, "meanwhile", clientId)).ok, true);
  await twoDevice.until("typing");
  assert.equal((await typed).ok, true);
  await oneDevice.until("receiveMessage", (message) => message.clientId === clientId);
});
