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

test("nodes that wrote to a conversation in turn do not rely on what they remember of it", async () => {
  const [ann, bob] = await Promise.all([signUp(nodes[0]), signUp(nodes[0])]);
  const tabs = await Promise.all([openTab(nodes[0], ann), openTab(nodes[1], bob)]);
  const turns = Array.from({ length: 60 }, (_, n) => n);
  for (const turn of turns) {
    // Runs of different lengths, so that each node is now the one that wrote last and now not.
    const isAnn = turn % 3 !== 0;
    const answer = await tabs[isAnn ? 0 : 1].send(isAnn ? bob.id : ann.id, `turn ${turn}`);
    assert.equal(answer.message?.seq, turn + 1);
    assert.equal(answer.message.rev, turn + 1);
  }
  const conversation = await conversationBetween(nodes[0], ann, bob);
  assert.ok(conversation);
  assert.deepEqual([conversation.lastSeq, conversation.lastRev], [60, 60]);
  const rows = await messagesIn(nodes[0], conversation.id);
  assert.deepEqual(
    rows.map(({ message, senderId }) => [message, senderId]),
    turns.map((turn) => [`turn ${turn}`, turn % 3 !== 0 ? ann.id : bob.id]),
  );
  for (const person of [ann, bob]) {
    assert.equal(
      (await memberIn(nodes[0], conversation.id, person))?.unread,
      await recountUnread(nodes[0], conversation.id, person),
    );
  }
});

test("many who are written to for the first time at once, on two nodes and from both sides, each get one conversation", async () => {
  const people = await Promise.all(Array.from({ length: 12 }, () => signUp(nodes[0])));
  const tabs = await Promise.all(
    people.flatMap((person) => nodes.map(async (node) => ({ person, tab: await openTab(node, person) }))),
  );
  const sends = tabs.flatMap(({ person, tab }) =>
    people.filter((other) => other !== person).map((other) => tab.send(other.id, "hello")),
  );
  const answers = await Promise.all(sends);
  assert.deepEqual(
    answers.filter(({ ok }) => !ok),
    [],
  );
  const seqs = Map.groupBy(answers, ({ message }) => message.conversationId);
  assert.equal(seqs.size, (12 * 11) / 2);
  for (const of of seqs.values())
    assert.deepEqual(
      of.map(({ message }) => message.seq).sort(),
      [1, 2, 3, 4],
      "from two, by two nodes each",
    );
  const ids = people.map(({ id }) => id).join(", ");
  const [made] = await nodes[0].rows<{ conversations: number; members: number }>(
    `SELECT COUNT(DISTINCT conversation_id) AS conversations, COUNT(*) AS members FROM memberships
     WHERE user_id IN (${ids})`,
  );
  assert.deepEqual([made?.conversations, made?.members].map(Number), [66, 132]);
});
