import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { startCauserie } from "../support/causerie.ts";
import { type Answer, logIn, signUp } from "../support/person.ts";
import { conversationBetween, memberIn, openTab, recountUnread, settled, startTalk } from "./talk.ts";

const causerie = await startCauserie();

test("delivered and read only move forward, and read implies delivered", async () => {
  const { id, one, two, twoDevice } = await startTalk(causerie, 10);
  const steps = [
    ["deliverMessages", 4, { deliveredSeq: 4, readSeq: 0, unread: 10 }],
    ["deliverMessages", 2, { deliveredSeq: 4, readSeq: 0, unread: 10 }],
    ["readMessages", 3, { deliveredSeq: 4, readSeq: 3, unread: 7 }],
    ["readMessages", 1, { deliveredSeq: 4, readSeq: 3, unread: 7 }],
    ["readMessages", 6, { deliveredSeq: 6, readSeq: 6, unread: 4 }],
    ["deliverMessages", 0, { deliveredSeq: 6, readSeq: 6, unread: 4 }],
    ["deliverMessages", 9, { deliveredSeq: 9, readSeq: 6, unread: 4 }],
    ["readMessages", 10, { deliveredSeq: 10, readSeq: 10, unread: 0 }],
  ] as const;
  for (const [event, seq, expected] of steps) {
    const answer = await twoDevice.ask(event, { userId: one.id, seq });
    assert.deepEqual(answer, { ok: true, cursors: [{ conversationId: id, userId: two.id, ...expected }] });
    assert.deepEqual(await memberIn(causerie, id, two), expected);
  }
  assert.deepEqual(await memberIn(causerie, id, one), { deliveredSeq: 10, readSeq: 10, unread: 0 });
});

test("a receipt never goes past what exists", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie, 3);
  const far = await twoDevice.ask("readMessages", { userId: one.id, seq: Number.MAX_SAFE_INTEGER });
  assert.deepEqual([far.cursors[0].deliveredSeq, far.cursors[0].readSeq, far.cursors[0].unread], [3, 3, 0]);
  await oneDevice.send(two.id, "later");
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 3, readSeq: 3, unread: 1 });
  const delivered = await twoDevice.ask("deliverMessages", { userId: one.id, seq: 99 });
  assert.deepEqual([delivered.cursors[0].deliveredSeq, delivered.cursors[0].readSeq], [4, 3]);
});

test("what moved is told to every tab of both people and to nobody else; what did not is not told", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie, 2);
  const eve = await signUp(causerie);
  const [onePhone, twoPhone, eveTab] = await Promise.all(
    [one, two, eve].map((who) => openTab(causerie, who)),
  );
  assert.ok(onePhone && twoPhone && eveTab);
  await twoDevice.ask("deliverMessages", { userId: one.id, seq: 2 });
  await twoDevice.ask("deliverMessages", { userId: one.id, seq: 1 });
  await twoDevice.ask("readMessages", { userId: one.id, seq: 1 });
  await twoDevice.ask("readMessages", { userId: one.id, seq: 1 });
  for (const [device, owner] of [
    [oneDevice, one],
    [onePhone, one],
    [twoDevice, two],
    [twoPhone, two],
  ] as const) {
    await settled(device, owner, owner === one ? twoDevice : oneDevice);
    assert.deepEqual(device.news("updateReceipts"), [
      { conversationId: id, userId: two.id, deliveredSeq: 2, readSeq: 0, unread: 2 },
      { conversationId: id, userId: two.id, deliveredSeq: 2, readSeq: 1, unread: 1 },
    ]);
  }
  await settled(eveTab, eve, twoDevice);
  assert.deepEqual(eveTab.news("updateReceipts"), []);
});

test("nobody moves another's cursor", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie, 3);
  const eveTab = await openTab(causerie, await signUp(causerie));
  await oneDevice.ask("readMessages", { userId: two.id, seq: 3 });
  await oneDevice.ask("deliverMessages", { conversationId: id, seq: 3 });
  assert.equal((await eveTab.ask("readMessages", { conversationId: id, seq: 3 })).error?.code, "not_found");
  assert.deepEqual(await eveTab.ask("readMessages", { userId: two.id, seq: 3 }), { ok: true, cursors: [] });
  const named = await oneDevice.ask("readMessages", { conversationId: id, userId: two.id, seq: 3 });
  assert.equal(named.error?.code, "invalid");
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 3 });
  const self = await oneDevice.ask("readMessages", { userId: one.id, seq: 3 });
  assert.equal(self.error?.code, "not_found");
});

test("several cursors move at once, and several of one conversation come to the furthest", async () => {
  const [first, second] = [await startTalk(causerie, 3), await startTalk(causerie, 2)];
  const { two } = first;
  const { message } = await second.oneDevice.send(two.id, "to the same person");
  const third = message.conversationId;
  const stranger = await signUp(causerie);
  const answer = await first.twoDevice.ask("deliverMessages", {
    cursors: [
      { userId: first.one.id, seq: 2 },
      { conversationId: third, seq: 1 },
      { conversationId: first.id, seq: 1 },
      { userId: stranger.id, seq: 5 },
    ],
  });
  assert.equal(answer.ok, true);
  // One answer for each of them; the order in which two of one conversation moved is free.
  const furthest = (id: number) =>
    Math.max(
      ...answer.cursors
        .filter(({ conversationId }: Answer) => conversationId === id)
        .map(({ deliveredSeq }: Answer) => deliveredSeq),
    );
  assert.equal(answer.cursors.length, 3, "where nothing has begun there is nothing to tell");
  assert.deepEqual([furthest(first.id), furthest(third)], [2, 1]);
  assert.deepEqual(await memberIn(causerie, first.id, two), { deliveredSeq: 2, readSeq: 0, unread: 3 });
  assert.deepEqual(await memberIn(causerie, third, two), { deliveredSeq: 1, readSeq: 0, unread: 1 });
  await second.oneDevice.until("updateReceipts", ({ conversationId }) => conversationId === third);
  await first.oneDevice.until("updateReceipts", ({ deliveredSeq }) => deliveredSeq === 2);

  const read = await first.twoDevice.ask("readMessages", {
    cursors: [
      { conversationId: first.id, seq: 3 },
      { conversationId: third, seq: 1 },
    ],
  });
  assert.deepEqual(
    read.cursors.map(({ unread }: Answer) => unread),
    [0, 0],
  );
  assert.deepEqual(await first.twoDevice.ask("readMessages", { cursors: [] }), { ok: true, cursors: [] });
});

test("the list counts conversations with something unread, on every device", async () => {
  const talks = await Promise.all([startTalk(causerie, 2), startTalk(causerie)]);
  const reader = await signUp(causerie);
  const [tab, phone] = await Promise.all([
    openTab(causerie, reader),
    openTab(causerie, await logIn(causerie, reader)),
  ]);
  for (const { oneDevice } of talks) await oneDevice.send(reader.id, "one");
  await talks[0]?.oneDevice.send(reader.id, "two");
  for (const device of [tab, phone]) {
    const { rows, unreadConversations } = await device.ask("getConversations", { limit: 2 });
    assert.equal(unreadConversations, 2);
    assert.deepEqual(
      rows.map(({ userId, unread }: Answer) => [userId, unread]),
      [
        [talks[0]?.one.id, 2],
        [talks[1]?.one.id, 1],
      ],
    );
  }
  assert.match(await (await reader.get("/")).text(), /<title>\(2\) /);
  await phone.ask("readMessages", { userId: talks[0]?.one.id, seq: 2 });
  await tab.until("updateReceipts", ({ userId, unread }) => userId === reader.id && unread === 0);
  const after = await tab.ask("getConversations", { limit: 2 });
  assert.equal(after.unreadConversations, 1);
  assert.match(await (await reader.get("/")).text(), /<title>\(1\) /);
});

test("after every step of a random run on three devices the unread count is what a recount finds", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const phone = await openTab(causerie, two);
  const laptop = await openTab(causerie, await logIn(causerie, two));
  const devices = [twoDevice, phone, laptop];
  const device = fc.nat(2).map((index) => devices[index] ?? twoDevice);
  const seq = fc.integer({ min: -6, max: 3 });
  const lastSeq = async () => (await conversationBetween(causerie, one, two))?.lastSeq ?? 0;
  const at = async (offset: number) => Math.max(0, (await lastSeq()) + offset);
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.nat(3).map((n) => [() => sendMany(n + 1)]) },
    { weight: 3, arbitrary: fc.tuple(device, seq).map(([from, offset]) => [() => read(from, offset)]) },
    { weight: 2, arbitrary: fc.tuple(device, seq).map(([from, offset]) => [() => deliver(from, offset)]) },
    { weight: 2, arbitrary: device.map((from) => [() => from.send(one.id, "an own one")]) },
    {
      weight: 3,
      // What happens on several devices at once.
      arbitrary: fc
        .tuple(device, device, seq, seq)
        .map(([a, b, x, y]) => [
          () => read(a, x),
          () => b.send(one.id, "meanwhile"),
          () => deliver(a, y),
          () => oneDevice.send(two.id, "and meanwhile"),
          () => read(b, y),
        ]),
    },
  );
  const sendMany = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => oneDevice.send(two.id, `more ${n}`)));
  const read = async (from: typeof phone, offset: number) =>
    from.ask("readMessages", { userId: one.id, seq: await at(offset) });
  const deliver = async (from: typeof phone, offset: number) =>
    from.ask("deliverMessages", { userId: one.id, seq: await at(offset) });

  let before = await memberIn(causerie, id, two);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 20 }), async (steps) => {
      for (const together of steps) {
        await Promise.all(together.map((act) => act()));
        const member = await memberIn(causerie, id, two);
        assert.ok(member && before);
        assert.equal(member.unread, await recountUnread(causerie, id, two));
        assert.ok(member.readSeq >= before.readSeq && member.deliveredSeq >= before.deliveredSeq);
        assert.ok(member.readSeq <= member.deliveredSeq && member.deliveredSeq <= (await lastSeq()));
        before = member;
        const { rows } = (await devices[0]?.ask("getConversations", { userIds: [one.id] })) ?? { rows: [] };
        assert.equal(rows[0].unread, member.unread);
      }
    }),
    { numRuns: 6, endOnFailure: true },
  );
});
