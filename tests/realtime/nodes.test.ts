import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { messagesIn, openTab, storedPartOf } from "../messages/talk.ts";
import { startCauserie } from "../support/causerie.ts";
import { type Answer, eventually, signUp } from "../support/person.ts";

/** Two nodes on the same stores. */
const first = await startCauserie();
const second = await first.another();

const isOf = (id: number, online: boolean) => (news: { users: Answer[] }) =>
  news.users.some((user) => user.userId === id && user.online === online);

test("news of one node reaches the tabs at another: messages, receipts, typing, and nobody else's", async () => {
  const [ann, bob, eve] = await Promise.all([signUp(first), signUp(first), signUp(second)]);
  const [annTab, annPhone, bobTab, eveTab] = await Promise.all([
    openTab(first, ann),
    openTab(second, ann),
    openTab(second, bob),
    openTab(second, eve),
  ]);
  const { message } = await annTab.send(bob.id, "across");
  for (const device of [annTab, annPhone, bobTab]) {
    const news = await device.until("receiveMessage");
    assert.deepEqual(storedPartOf(news), storedPartOf(message));
  }
  await annTab.ask("typing", { receiverId: bob.id, typing: true });
  assert.equal((await bobTab.until("typing")).userId, ann.id);
  await bobTab.ask("readMessages", { userId: ann.id, seq: 1 });
  for (const device of [annTab, annPhone, bobTab]) {
    const receipt = await device.until("updateReceipts");
    assert.deepEqual([receipt.userId, receipt.readSeq], [bob.id, 1]);
  }
  const marker = randomUUID();
  await annTab.send(eve.id, "for Eve", marker);
  await eveTab.until("receiveMessage", ({ clientId }) => clientId === marker);
  assert.equal(eveTab.news("receiveMessage").length, 1);
  assert.deepEqual([...eveTab.news("typing"), ...eveTab.news("updateReceipts")], []);
});

test("logging out at one node cuts the session's sockets at the other within a second", async () => {
  const [ann, bob] = await Promise.all([signUp(first), signUp(first)]);
  const [here, there] = await Promise.all([openTab(first, ann), openTab(second, ann)]);
  const bobTab = await openTab(second, bob);
  await ann.post("/logout", {});
  await eventually(() => here.socket.disconnected && there.socket.disconnected, "both are cut", 1000);
  await bobTab.send(ann.id, "after the logout");
  assert.deepEqual([...here.news("receiveMessage"), ...there.news("receiveMessage")], []);
  assert.equal(bobTab.socket.connected, true);
});

test("a tab at each node: closing one leaves online, closing both shows to watchers at both", async () => {
  const ann = await signUp(first);
  const [here, there] = await Promise.all([openTab(first, ann), openTab(second, ann)]);
  const watchers = await Promise.all([
    openTab(first, await signUp(first)),
    openTab(second, await signUp(second)),
  ]);
  await eventually(
    async () => (await watchers[0].ask("watchUsers", { userIds: [ann.id] })).users[0].online,
    "Ann is there",
  );
  await watchers[1].ask("watchUsers", { userIds: [ann.id] });
  here.socket.disconnect();
  there.socket.disconnect();
  for (const watcher of watchers) {
    await watcher.until("updateOnlineUsers", isOf(ann.id, false));
    const told = watcher.news("updateOnlineUsers").flatMap((news) => news.users);
    assert.equal(told.filter(({ userId, online }) => userId === ann.id && !online).length, 1, "told once");
  }
});

// Last, because it ends a node; takes as long as a lease lasts.
test("the people of a node that was killed go offline within 30 s, and nothing they sent is lost", async () => {
  const [ann, bob, carl] = await Promise.all([signUp(first), signUp(first), signUp(first)]);
  const [annTab, , carlAtFirst] = await Promise.all([
    openTab(second, ann),
    openTab(second, bob),
    openTab(first, carl),
    openTab(second, carl),
  ]);
  const { message } = await annTab.send(bob.id, "just before");
  const watcher = await openTab(first, await signUp(first));
  const people = [ann, bob, carl];
  await eventually(async () => {
    const { users } = await watcher.ask("watchUsers", { userIds: people.map(({ id }) => id) });
    return users.length === 3 && users.every(({ online }: Answer) => online);
  }, "they are there");

  const killedAt = Date.now();
  await second.stop("SIGKILL");
  for (const person of [ann, bob]) {
    await watcher.until("updateOnlineUsers", isOf(person.id, false), killedAt + 30_000 - Date.now());
  }
  const { users } = await watcher.ask("watchUsers", { userIds: [carl.id] });
  assert.equal(users[0].online, true, "who has a tab at a living node stays");
  assert.equal(carlAtFirst.socket.connected, true);
  const toldOfCarl = watcher.news("updateOnlineUsers").flatMap((news) => news.users);
  assert.ok(!toldOfCarl.some(({ userId, online }) => userId === carl.id && !online));
  for (const person of [ann, bob]) {
    const seen = async () => {
      const sql = "SELECT last_seen_at AS seen FROM users WHERE id = ?";
      const [row] = await first.rows<{ seen: Date | null }>(sql, [person.id]);
      return row?.seen ?? null;
    };
    await eventually(async () => (await seen()) !== null, "when they were last seen is in the table");
  }
  assert.deepEqual(await messagesIn(first, message.conversationId), [storedPartOf(message)]);
  const again = await openTab(first, ann);
  assert.deepEqual((await again.send(bob.id, "just before", message.clientId)).message, message);
});
