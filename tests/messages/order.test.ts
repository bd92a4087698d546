import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { type Answer, type Device, type Person, signUp } from "../support/person.ts";
import {
  conversationBetween,
  memberIn,
  messagesIn,
  openTab,
  recountUnread,
  type StoredMessage,
  storedPartOf,
} from "./talk.ts";

const first = await startCauserie();
const nodes = [first, await first.another()] as const;

const MESSAGES_A_SOCKET = 60;

/** All of a conversation as a device is shown it, page by page. */
async function wholeHistory(device: Device, conversationId: number): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for (let more = true; more; ) {
    const first = messages[0]?.seq;
    const page = await device.ask("getMessages", {
      ...{ conversationId, limit: 70, ...(first === undefined ? {} : { beforeSeq: first }) },
    });
    messages.unshift(...page.messages);
    more = page.more;
  }
  return messages;
}

test("several people on two nodes write at once, and every conversation has one order without a gap", async () => {
  const people = await Promise.all(Array.from({ length: 4 }, () => signUp(nodes[0])));
  const sockets = await Promise.all(
    people.flatMap((person) =>
      nodes.map(async (node) => ({ person, device: await openTab(node, person), acks: [] as Answer[] })),
    ),
  );
  assert.equal(sockets.length, 8);
  const [ann, bob, carl, dora] = people;
  assert.ok(ann && bob && carl && dora);
  const pairs: [Person, Person][] = [
    [ann, bob],
    [bob, carl],
    [carl, dora],
    [dora, ann],
  ];

  await Promise.all(
    sockets.map(async ({ person, device, acks }, number) => {
      const others = pairs.filter((pair) => pair.includes(person)).map(([a, b]) => (a === person ? b : a));
      const pending: Promise<Answer>[] = [];
      const reading: Promise<Answer>[] = [];
      // The first to each alone: what follows finds the conversation begun.
      for (const other of others) acks.push(await device.send(other.id, `${number}:-1`));
      for (let n = 0; n < MESSAGES_A_SOCKET; n += 1) {
        const other = others[(n + number) % others.length];
        assert.ok(other);
        pending.push(device.send(other.id, `${number}:${n}`));
        if (n % 7 === 0) reading.push(device.ask("readMessages", { userId: other.id, seq: n }));
      }
      acks.push(...(await Promise.all(pending)));
      assert.ok((await Promise.all(reading)).every(({ ok }) => ok));
    }),
  );

  let stored = 0;
  for (const [one, two] of pairs) {
    const conversation = await conversationBetween(nodes[0], one, two);
    assert.ok(conversation);
    const rows = await messagesIn(nodes[0], conversation.id);
    stored += rows.length;
    const numbers = rows.map((_, index) => index + 1);
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      numbers,
    );
    assert.deepEqual(
      rows.map(({ rev }) => rev),
      numbers,
      "nothing was changed afterwards, so the numbers of changes are those of the messages",
    );
    assert.deepEqual([conversation.lastSeq, conversation.lastRev], [rows.length, rows.length]);
    for (const [number, { person }] of sockets.entries()) {
      const own = rows.filter(({ message }) => message.startsWith(`${number}:`));
      const order = own.map(({ message }) => Number(message.split(":")[1]));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
        "what one device sends keeps its order",
      );
      assert.ok(own.every(({ senderId }) => senderId === person.id));
    }
    for (const person of [one, two]) {
      const member = await memberIn(nodes[0], conversation.id, person);
      assert.equal(member?.unread, await recountUnread(nodes[0], conversation.id, person));
      assert.ok(member.readSeq <= member.deliveredSeq && member.deliveredSeq <= rows.length);
      for (const { device, person: owner } of sockets) {
        if (owner !== person) continue;
        const shown = await wholeHistory(device, conversation.id);
        assert.deepEqual(shown.map(storedPartOf), rows, "both nodes show both people what the table holds");
      }
    }
    const byId = new Map(rows.map((row) => [row.id, row]));
    const acks = sockets.flatMap((socket) => socket.acks);
    const here = acks.filter((ack) => ack.message?.conversationId === conversation.id);
    assert.equal(here.length, rows.length);
    for (const { message } of here) assert.deepEqual(storedPartOf(message), byId.get(message.id));
  }
  assert.equal(stored, 8 * (MESSAGES_A_SOCKET + 2), "every message was acknowledged and is stored");
});

test("the very first messages to somebody keep the order they were sent in", async () => {
  for (let round = 0; round < 3; round += 1) {
    const [ann, bob] = await Promise.all([signUp(nodes[0]), signUp(nodes[0])]);
    const device = await openTab(nodes[0], ann);
    const texts = Array.from({ length: 40 }, (_, n) => `first ${n}`);
    const answers = await Promise.all(texts.map((text) => device.send(bob.id, text)));
    assert.deepEqual(
      answers.map((answer) => answer.message?.seq),
      texts.map((_, n) => n + 1),
    );
    const id = answers[0]?.message.conversationId;
    assert.deepEqual(
      (await messagesIn(nodes[0], id)).map(({ message }) => message),
      texts,
    );
  }
});

test("the first messages through a node that does not know the conversation yet keep their order", async () => {
  for (let round = 0; round < 3; round += 1) {
    const [ann, bob] = await Promise.all([signUp(nodes[0]), signUp(nodes[0])]);
    const { message } = await (await openTab(nodes[0], ann)).send(bob.id, "begun elsewhere");
    const device = await openTab(nodes[1], ann);
    const texts = Array.from({ length: 40 }, (_, n) => `next ${n}`);
    await Promise.all(texts.map((text) => device.send(bob.id, text)));
    assert.deepEqual(
      (await messagesIn(nodes[0], message.conversationId)).map((row) => row.message),
      ["begun elsewhere", ...texts],
    );
  }
});
