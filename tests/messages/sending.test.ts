import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { unescapeHtml } from "../support/forms.ts";
import { request, signUp } from "../support/person.ts";
import {
  answerOf,
  conversationBetween,
  memberIn,
  messagesIn,
  openTab,
  settled,
  startTalk,
  storedPartOf,
  tableSizes,
} from "./talk.ts";

const causerie = await startCauserie();

const JSON_WANTED = { accept: "application/json" };
const NOBODY = 999_999_999;

test("a message sent by socket is stored, answered and told to every tab of both, and to nobody else", async () => {
  const [ann, bob, eve] = await Promise.all([signUp(causerie), signUp(causerie), signUp(causerie)]);
  const [annTab, annPhone, bobTab, bobPhone, eveTab] = await Promise.all(
    [ann, ann, bob, bob, eve].map((person) => openTab(causerie, person)),
  );
  assert.ok(annTab && annPhone && bobTab && bobPhone && eveTab);
  const clientId = randomUUID();
  const sentAt = Date.now();

  const answer = await annTab.send(bob.id, "Hello, Bob", clientId);

  const conversation = await conversationBetween(causerie, ann, bob);
  assert.ok(conversation);
  const { id, timestamp, ...rest } = answer.message;
  assert.deepEqual(rest, {
    ...{ conversationId: conversation.id, seq: 1, rev: 1, clientId, senderId: ann.id, sender: ann.name },
    ...{ receiverId: bob.id, message: "Hello, Bob", editedAt: null, deletedAt: null },
  });
  assert.equal(answer.ok, true);
  assert.ok(Number.isSafeInteger(id) && id > 0);
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.parse(timestamp) - sentAt) < 10_000, "the time is UTC");

  assert.deepEqual(await messagesIn(causerie, conversation.id), [storedPartOf(answer.message)]);
  assert.deepEqual(
    { ...conversation, lastMessageAt: conversation.lastMessageAt?.toISOString() },
    { id: conversation.id, kind: "direct", lastSeq: 1, lastRev: 1, lastMessageAt: timestamp },
  );
  assert.deepEqual(await memberIn(causerie, conversation.id, ann), {
    deliveredSeq: 1,
    readSeq: 1,
    unread: 0,
  });
  assert.deepEqual(await memberIn(causerie, conversation.id, bob), {
    deliveredSeq: 0,
    readSeq: 0,
    unread: 1,
  });

  const tabs = [annTab, annPhone, bobTab, bobPhone];
  const events = await Promise.all(tabs.map((tab) => tab.until("receiveMessage")));
  for (const event of events) {
    const { html, ...message } = event;
    assert.deepEqual(message, answer.message);
    assert.equal(html, events[0].html, "the markup is the same for everybody");
    assert.match(html, new RegExp(`data-seq="1".* data-sender-id="${ann.id}" data-client-id="${clientId}"`));
    assert.match(html, />Hello, Bob</);
    assert.doesNotMatch(html, /class="[^"]*\bown\b|data-state=/, "the markup knows nothing of its viewer");
  }
  await settled(eveTab, eve, annTab);
  assert.equal(eveTab.news("receiveMessage").length, 1, "a stranger heard of it");
  assert.deepEqual(eveTab.news("updateReceipts"), []);
  await settled(bobTab, bob, annTab);
  assert.equal(bobTab.news("receiveMessage").length, 2, "it is told once");
});

test("a message posted by the form sends the browser back, and is stored and told as by socket", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const eve = await signUp(causerie);
  const eveTab = await openTab(causerie, eve);
  const clientId = randomUUID();

  const response = await one.post(`/chat/${two.id}/messages`, { message: "By form", clientId });

  assert.equal(response.status, 303);
  assert.equal(response.headers.get("location"), `/chat/${two.id}`);
  const row = (await messagesIn(causerie, id))[1];
  assert.ok(row);
  assert.deepEqual(
    { seq: row.seq, rev: row.rev, clientId: row.clientId, senderId: row.senderId, message: row.message },
    { seq: 2, rev: 2, clientId, senderId: one.id, message: "By form" },
  );
  for (const device of [oneDevice, twoDevice]) {
    const news = await device.until("receiveMessage", (message) => message.clientId === clientId);
    assert.deepEqual(storedPartOf(news), row);
  }
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 2 });
  await settled(eveTab, eve, oneDevice);
  assert.equal(eveTab.news("receiveMessage").length, 1);
  const page = unescapeHtml(await (await two.get(`/chat/${one.id}`)).text());
  assert.match(page, /By form/);
});

test("a message posted for data is answered 201 with the message", async () => {
  const { id, one, two } = await startTalk(causerie);
  const clientId = randomUUID();
  const byForm = await one.post(`/chat/${two.id}/messages`, { message: "For data", clientId }, JSON_WANTED);
  assert.equal(byForm.status, 201);
  const { message } = await answerOf(byForm);
  assert.deepEqual(storedPartOf(message), (await messagesIn(causerie, id))[1]);
  assert.deepEqual([message.sender, message.receiverId, message.conversationId], [one.name, two.id, id]);

  const body = JSON.stringify({ message: "As data", clientId: randomUUID() });
  const headers = { ...JSON_WANTED, "content-type": "application/json" };
  const asData = await request(causerie, two.cookie, `/chat/${one.id}/messages`, {
    method: "POST",
    body,
    headers,
  });
  assert.equal(asData.status, 201);
  const answer = await answerOf(asData);
  assert.deepEqual(storedPartOf(answer.message), (await messagesIn(causerie, id))[2]);
});

test("numbers count up by one, whoever writes and by whichever way", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  await twoDevice.send(one.id, "socket");
  await two.post(`/chat/${one.id}/messages`, { message: "form", clientId: randomUUID() });
  await one.post(`/chat/${two.id}/messages`, { message: "data", clientId: randomUUID() }, JSON_WANTED);
  await oneDevice.ask("sendMessage", { conversationId: id, message: "by number", clientId: randomUUID() });
  const rows = await messagesIn(causerie, id);
  assert.deepEqual(
    rows.map(({ seq, rev, message }) => [seq, rev, message]),
    [
      [1, 1, "1"],
      [2, 2, "socket"],
      [3, 3, "form"],
      [4, 4, "data"],
      [5, 5, "by number"],
    ],
  );
  const ids = rows.map((row) => row.id);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(ids).size, 5);
  const conversation = await conversationBetween(causerie, one, two);
  assert.deepEqual([conversation?.lastSeq, conversation?.lastRev], [5, 5]);
});

test("an own message counts as read by its sender only where nothing unread stands before it", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie, 2);
  assert.deepEqual(await memberIn(causerie, id, one), { deliveredSeq: 2, readSeq: 2, unread: 0 });

  await twoDevice.send(one.id, "sent from a queue");
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 2 });
  assert.deepEqual(await memberIn(causerie, id, one), { deliveredSeq: 2, readSeq: 2, unread: 1 });

  await twoDevice.ask("readMessages", { userId: one.id, seq: 2 });
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 2, readSeq: 2, unread: 0 });
  await twoDevice.send(one.id, "another one");
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 2, readSeq: 2, unread: 0 });

  await twoDevice.ask("readMessages", { userId: one.id, seq: 4 });
  await twoDevice.send(one.id, "after everything was read");
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 5, readSeq: 5, unread: 0 });
  assert.deepEqual(await memberIn(causerie, id, one), { deliveredSeq: 2, readSeq: 2, unread: 3 });

  await oneDevice.ask("deliverMessages", { userId: two.id, seq: 5 });
  await oneDevice.send(two.id, "has them all, has not read them");
  assert.deepEqual(await memberIn(causerie, id, one), { deliveredSeq: 6, readSeq: 2, unread: 3 });
});

test("a conversation may be named by itself in place of its person", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const clientId = randomUUID();
  const answer = await twoDevice.ask("sendMessage", { conversationId: id, message: "by number", clientId });
  assert.equal(answer.ok, true);
  assert.deepEqual([answer.message.receiverId, answer.message.seq], [one.id, 2]);
  assert.deepEqual(storedPartOf(answer.message), (await messagesIn(causerie, id))[1]);
  await oneDevice.until("receiveMessage", (message) => message.clientId === clientId);
  const page = await oneDevice.ask("getMessages", { conversationId: id });
  assert.equal(page.messages.length, 2);
  const read = await oneDevice.ask("readMessages", { conversationId: id, seq: 2 });
  assert.equal(read.cursors[0].readSeq, 2);
  const byUserId = await oneDevice.ask("sendMessage", {
    userId: two.id,
    message: "x",
    clientId: randomUUID(),
  });
  assert.equal(byUserId.message.conversationId, id);
});

test("a stranger who names a conversation finds nothing and leaves no trace", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const eve = await signUp(causerie);
  const eveTab = await openTab(causerie, eve);
  const sizes = await tableSizes(causerie);
  const tries = await Promise.all([
    eveTab.ask("sendMessage", { conversationId: id, message: "let me in", clientId: randomUUID() }),
    eveTab.ask("getMessages", { conversationId: id }),
    eveTab.ask("getMessages", { conversationId: id, afterRev: 0 }),
    eveTab.ask("deliverMessages", { conversationId: id, seq: 1 }),
    eveTab.ask("readMessages", { conversationId: id, seq: 1 }),
    eveTab.ask("readMessages", { cursors: [{ conversationId: id, seq: 1 }] }),
    eveTab.ask("typing", { conversationId: id, typing: true }),
  ]);
  for (const answer of tries) {
    assert.deepEqual([answer.ok, answer.error?.code], [false, "not_found"]);
    assert.deepEqual(Object.keys(answer).sort(), ["error", "ok"]);
  }
  assert.deepEqual(await tableSizes(causerie), sizes);
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 1 });
  await settled(twoDevice, two, oneDevice);
  await settled(oneDevice, one, twoDevice);
  for (const device of [oneDevice, twoDevice]) {
    assert.equal(device.news("receiveMessage").length, 3);
    assert.deepEqual(device.news("updateReceipts"), []);
    assert.deepEqual(device.news("typing"), []);
  }
});

test("looking at somebody begins no conversation, and neither does anything but a message", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  const annTab = await openTab(causerie, ann);
  const sizes = await tableSizes(causerie);
  for (const path of ["", "/messages", "/messages?before=3", "/messages?around=3", "/messages?afterRev=0"]) {
    assert.equal((await ann.get(`/chat/${bob.id}${path}`)).status, 200, path);
    assert.equal((await ann.get(`/chat/${bob.id}${path}`, JSON_WANTED)).status, 200, path);
  }
  assert.equal((await ann.get(`/chat/${bob.id}/messages/5/seen.gif`)).status, 200);
  const page = await annTab.ask("getMessages", { userId: bob.id });
  assert.deepEqual(page, {
    ...{ ok: true, messages: [], lastRev: 0, more: false, newer: false, conversationId: null },
    ...{ own: { deliveredSeq: 0, readSeq: 0 }, other: { deliveredSeq: 0, readSeq: 0 } },
  });
  assert.deepEqual(await annTab.ask("readMessages", { userId: bob.id, seq: 1 }), { ok: true, cursors: [] });
  assert.deepEqual(await annTab.ask("typing", { receiverId: bob.id, typing: true }), { ok: true });
  await annTab.send(bob.id, "   ");
  assert.equal(await conversationBetween(causerie, ann, bob), undefined);
  assert.deepEqual(await tableSizes(causerie), sizes);
});

test("two first messages at once begin one conversation", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  const [annTab, bobTab] = await Promise.all([openTab(causerie, ann), openTab(causerie, bob)]);
  const answers = await Promise.all([
    annTab.send(bob.id, "from Ann"),
    bobTab.send(ann.id, "from Bob"),
    annTab.send(bob.id, "from Ann again"),
    bobTab.send(ann.id, "from Bob again"),
  ]);
  const conversation = await conversationBetween(causerie, ann, bob);
  assert.ok(conversation);
  for (const answer of answers) assert.equal(answer.message?.conversationId, conversation.id);
  assert.deepEqual(answers.map((answer) => answer.message.seq).sort(), [1, 2, 3, 4]);
});

test("nobody writes to oneself", async () => {
  const ann = await signUp(causerie);
  const annTab = await openTab(causerie, ann);
  const sizes = await tableSizes(causerie);
  assert.equal((await annTab.send(ann.id, "me")).error?.code, "invalid");
  const fields = { message: "me, by form", clientId: randomUUID() };
  const forData = await ann.post(`/chat/${ann.id}/messages`, fields, JSON_WANTED);
  assert.equal(forData.status, 400);
  assert.equal((await answerOf(forData)).error?.code, "invalid");
  const byForm = await ann.post(`/chat/${ann.id}/messages`, fields);
  assert.ok([400, 404].includes(byForm.status), String(byForm.status));
  const page = unescapeHtml(await byForm.text());
  assert.match(page, /me, by form/);
  assert.match(page, new RegExp(`name="clientId" value="${fields.clientId}"`));
  assert.equal((await ann.get(`/chat/${ann.id}`)).status, 404);
  assert.deepEqual(await tableSizes(causerie), sizes);
});

test("a person or conversation that does not exist is not found, and the text comes back", async () => {
  const ann = await signUp(causerie);
  const annTab = await openTab(causerie, ann);
  const sizes = await tableSizes(causerie);
  assert.equal((await annTab.send(NOBODY, "anybody?")).error?.code, "not_found");
  const byNumber = { conversationId: NOBODY, message: "anybody?", clientId: randomUUID() };
  assert.equal((await annTab.ask("sendMessage", byNumber)).error?.code, "not_found");
  assert.equal((await annTab.ask("getMessages", { userId: NOBODY })).error?.code, "not_found");
  assert.equal((await ann.get(`/chat/${NOBODY}`)).status, 404);
  const fields = { message: "is anybody there?", clientId: randomUUID() };
  const byForm = await ann.post(`/chat/${NOBODY}/messages`, fields);
  assert.equal(byForm.status, 404);
  const page = unescapeHtml(await byForm.text());
  assert.match(page, /is anybody there\?/);
  assert.match(page, new RegExp(`name="clientId" value="${fields.clientId}"`));
  const forData = await ann.post(`/chat/${NOBODY}/messages`, fields, JSON_WANTED);
  assert.deepEqual([forData.status, (await answerOf(forData)).error?.code], [404, "not_found"]);
  assert.deepEqual(await tableSizes(causerie), sizes);
});

test("a send names its conversation exactly once", async () => {
  const { id, two, oneDevice } = await startTalk(causerie);
  const send = { message: "to whom?", clientId: randomUUID() };
  for (const target of [
    {},
    { receiverId: two.id, conversationId: id },
    { receiverId: two.id, userId: two.id },
    { userId: two.id, conversationId: id },
  ]) {
    assert.equal((await oneDevice.ask("sendMessage", { ...send, ...target })).error?.code, "invalid");
  }
  assert.equal((await messagesIn(causerie, id)).length, 1);
});

test("nobody sends without being logged in", async () => {
  const { id, two } = await startTalk(causerie);
  const fields = new URLSearchParams({ message: "who am I?", clientId: randomUUID() });
  const response = await request(causerie, "", `/chat/${two.id}/messages`, {
    ...{ method: "POST", body: fields, headers: JSON_WANTED },
  });
  assert.equal(response.status, 401);
  assert.equal((await answerOf(response)).error?.code, "unauthorized");
  assert.equal((await messagesIn(causerie, id)).length, 1);
});
