import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { logIn, signUp } from "../support/person.ts";
import {
  answerOf,
  conversationBetween,
  memberIn,
  messagesIn,
  openTab,
  settled,
  startTalk,
  storedPartOf,
} from "./talk.ts";

let causerie = await startCauserie();

test("the same send again is the same message, and one row", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie);
  const clientId = randomUUID();
  const first = await oneDevice.send(two.id, "once", clientId);
  const second = await oneDevice.send(two.id, "once", clientId);
  const byNumber = await oneDevice.ask("sendMessage", { conversationId: id, message: "once", clientId });
  const byData = await one.post(
    `/chat/${two.id}/messages`,
    { message: "once", clientId },
    { accept: "application/json" },
  );
  assert.equal(first.ok, true);
  assert.deepEqual(second, first);
  assert.deepEqual(byNumber, first);
  assert.deepEqual((await answerOf(byData)).message, first.message);
  assert.deepEqual((await messagesIn(causerie, id))[1], storedPartOf(first.message));
  assert.equal((await messagesIn(causerie, id)).length, 2);
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 2 });
  const conversation = await conversationBetween(causerie, one, two);
  assert.deepEqual([conversation?.lastSeq, conversation?.lastRev], [2, 2]);
});

test("the same send many times at once, from two devices and by form, is one message", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const phone = await openTab(causerie, await logIn(causerie, one));
  const clientId = randomUUID();
  const fields = { message: "at once", clientId };
  const [answers, forms] = await Promise.all([
    Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? phone : oneDevice).send(two.id, "at once", clientId)),
    ),
    Promise.all(Array.from({ length: 6 }, () => one.post(`/chat/${two.id}/messages`, fields))),
  ]);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.deepEqual(
    forms.map(({ status }) => status),
    [303, 303, 303, 303, 303, 303],
  );
  const rows = await messagesIn(causerie, id);
  assert.deepEqual(rows.slice(1), [storedPartOf(answers[0]?.message)]);
  assert.equal((await memberIn(causerie, id, two))?.unread, 2);
  await settled(twoDevice, two, oneDevice);
  const told = twoDevice.news("receiveMessage").filter((message) => message.clientId === clientId);
  for (const message of told) assert.equal(message.seq, 2, "whoever hears of it hears of the same message");
});

test("other words under an old id are a conflict, and the first words stay", async () => {
  const { id, two, oneDevice, one } = await startTalk(causerie);
  const clientId = randomUUID();
  await oneDevice.send(two.id, "first words", clientId);
  const answer = await oneDevice.send(two.id, "other words", clientId);
  assert.deepEqual([answer.ok, answer.error?.code], [false, "conflict"]);
  assert.match(answer.error?.message ?? "", /already sent/);
  const forData = await one.post(
    `/chat/${two.id}/messages`,
    { message: "other words", clientId },
    { accept: "application/json" },
  );
  assert.deepEqual([forData.status, (await answerOf(forData)).error?.code], [409, "conflict"]);
  const rows = await messagesIn(causerie, id);
  assert.deepEqual(
    rows.map(({ message }) => message),
    ["1", "first words"],
  );
  assert.equal(
    (await oneDevice.send(two.id, "first words", clientId)).message.seq,
    2,
    "the first still stands",
  );
});

test("other words under the same id at the same moment: one is stored, the others are a conflict", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie);
  const phone = await openTab(causerie, one);
  for (let round = 0; round < 5; round += 1) {
    const clientId = randomUUID();
    const texts = ["words", "other words", "words", "third words"];
    const answers = await Promise.all(
      texts.map((text, n) => (n % 2 ? phone : oneDevice).send(two.id, `${text} ${round}`, clientId)),
    );
    const row = (await messagesIn(causerie, id)).at(-1);
    assert.equal(row?.seq, round + 2);
    assert.equal(row.clientId, clientId);
    for (const [index, answer] of answers.entries()) {
      if (row.message === `${texts[index]} ${round}`) assert.deepEqual(storedPartOf(answer.message), row);
      else assert.equal(answer.error?.code, "conflict");
    }
  }
  assert.equal((await messagesIn(causerie, id)).length, 6);
});

test("a conflict in a batch leaves the messages around it alone", async () => {
  const { id, two, oneDevice } = await startTalk(causerie);
  const clientId = randomUUID();
  const answers = await Promise.all([
    oneDevice.send(two.id, "before"),
    oneDevice.send(two.id, "this", clientId),
    oneDevice.send(two.id, "not this", clientId),
    oneDevice.send(two.id, "after"),
  ]);
  assert.deepEqual(
    answers.map((answer) => answer.message?.seq ?? answer.error?.code),
    [2, 3, "conflict", 4],
  );
  assert.deepEqual(
    (await messagesIn(causerie, id)).map(({ message }) => message),
    ["1", "before", "this", "after"],
  );
});

test("the same id in another conversation, or from the other person, is another message", async () => {
  const { id, one, two, oneDevice, twoDevice } = await startTalk(causerie);
  const carl = await signUp(causerie);
  const clientId = randomUUID();
  const [toTwo, toCarl, back] = await Promise.all([
    oneDevice.send(two.id, "same words", clientId),
    oneDevice.send(carl.id, "same words", clientId),
    twoDevice.send(one.id, "other words", clientId),
  ]);
  assert.deepEqual([toTwo.ok, toCarl.ok, back.ok], [true, true, true]);
  assert.notEqual(toTwo.message.id, toCarl.message.id);
  assert.notEqual(toTwo.message.conversationId, toCarl.message.conversationId);
  assert.deepEqual(
    (await messagesIn(causerie, id)).map(({ seq, senderId }) => [seq, senderId]).slice(1).length,
    2,
  );
  assert.deepEqual(await messagesIn(causerie, toCarl.message.conversationId), [storedPartOf(toCarl.message)]);
});

test("line ends and outer white space make no other message of it", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie);
  const clientId = randomUUID();
  const first = await oneDevice.send(two.id, "one\ntwo\n\nthree", clientId);
  assert.equal(first.message.message, "one\ntwo\n\nthree");
  for (const same of ["one\r\ntwo\r\n\r\nthree", "one\rtwo\r\rthree", " \n one\ntwo\r\n\nthree \r\n\t"]) {
    assert.deepEqual(await oneDevice.send(two.id, same, clientId), first);
    const byForm = await one.post(`/chat/${two.id}/messages`, { message: same, clientId });
    assert.equal(byForm.status, 303);
  }
  assert.equal((await oneDevice.send(two.id, "one\ntwo\nthree", clientId)).error?.code, "conflict");
  assert.equal((await messagesIn(causerie, id)).length, 2);
});

test("an id in capitals is the same id", async () => {
  const { id, two, oneDevice } = await startTalk(causerie);
  const clientId = randomUUID();
  const first = await oneDevice.send(two.id, "once", clientId.toUpperCase());
  assert.deepEqual(await oneDevice.send(two.id, "once", clientId), first);
  assert.equal(first.message.clientId, clientId);
  assert.equal((await messagesIn(causerie, id)).length, 2);
});

test("the same send after the app was killed and started again is the same message", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie);
  const clientIds = Array.from({ length: 5 }, () => randomUUID());
  const before = await Promise.all(
    clientIds.map((clientId, n) => oneDevice.send(two.id, `word ${n}`, clientId)),
  );
  await causerie.stop("SIGKILL");
  causerie = await causerie.another();
  const device = await openTab(causerie, one);
  const after = await Promise.all(clientIds.map((clientId, n) => device.send(two.id, `word ${n}`, clientId)));
  assert.deepEqual(after, before);
  assert.equal((await device.send(two.id, "other words", clientIds[0])).error?.code, "conflict");
  assert.equal((await device.send(two.id, "new words")).message.seq, 7);
  assert.equal((await messagesIn(causerie, id)).length, 7);
});
