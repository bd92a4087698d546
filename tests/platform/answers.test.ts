import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { connect, eventually, logIn, newName, type Person, request, signUp } from "../support/person.ts";

/** Pages of a process that keeps its answers: whoever asks sees what is, and nobody sees another's. */

const causerie = await startCauserie({ ANSWERS_MB: "32" });

const chatOf = async (reader: Person, other: Person) => (await reader.get(`/chat/${other.id}`)).text();
const homeOf = async (reader: Person) => (await reader.get("/")).text();
const rowOf = (page: string, { id }: Person) =>
  new RegExp(`<li class="person" data-user-id="${id}".*?</li>`, "s").exec(page)?.[0] ?? "";

async function twoPeople(): Promise<[Person, Person]> {
  return [await signUp(causerie), await signUp(causerie)];
}

test("a page that is asked for after an acknowledgement shows the message, however many read meanwhile", async () => {
  const [one, two] = await twoPeople();
  const device = await connect(causerie, one);
  let sent = 0;
  let isOver = false;
  const read = async (reader: Person, other: Person) => {
    while (!isOver) {
      const expected = sent;
      const page = await chatOf(reader, other);
      const shown = Number(/data-last-rev="(\d+)"/.exec(page)?.[1]);
      assert.ok(shown >= expected, `${shown} is shown when ${expected} are acknowledged`);
      assert.ok(expected === 0 || page.includes(`data-seq="${expected}"`));
    }
  };
  const readers = [read(one, two), read(one, two), read(two, one), read(two, one)];
  for (let seq = 1; seq <= 60; seq += 1) {
    const { message } = await device.send(two.id, `number ${seq}`);
    sent = message.seq;
    assert.match(rowOf(await homeOf(two), one), new RegExp(`number ${seq}<`));
  }
  isOver = true;
  await Promise.all(readers);
});

test("data and searches are as fresh as pages", async () => {
  const [one, two] = await twoPeople();
  const path = `/?q=${one.name}`;
  assert.match(JSON.stringify(await two.json(path)), /"unread":0/);
  await one.post(`/chat/${two.id}/messages`, { message: "by the form", clientId: randomUUID() });
  assert.match(JSON.stringify(await two.json(path)), /"unread":1.*by the form/);
  assert.match(JSON.stringify(await two.json(`/chat/${one.id}/messages`)), /by the form/);
  await one.post(`/chat/${two.id}/messages`, { message: "once more", clientId: randomUUID() });
  assert.match(JSON.stringify(await two.json(`/chat/${one.id}/messages`)), /once more/);
});

test("what was read is shown as read at once, to both", async () => {
  const [one, two] = await twoPeople();
  const device = await connect(causerie, two);
  await one.post(`/chat/${two.id}/messages`, { message: "hello", clientId: randomUUID() });
  assert.match(await chatOf(one, two), /data-seq="1"[^>]* data-state="sent"/);
  assert.match(rowOf(await homeOf(two), one), /data-unread="1"/);
  await device.ask("readMessages", { userId: one.id, seq: 1 });
  assert.match(await chatOf(one, two), /data-seq="1"[^>]* data-state="read"/);
  assert.match(rowOf(await homeOf(two), one), /data-unread="0"/);
});

test("the same address is to everybody their own page, and to a stranger none", async () => {
  const [one, two] = await twoPeople();
  const three = await signUp(causerie);
  await one.post(`/chat/${two.id}/messages`, { message: "for two alone", clientId: randomUUID() });
  assert.match(await chatOf(one, two), /for two alone/);
  assert.doesNotMatch(await chatOf(three, two), /for two alone/);
  assert.match(await chatOf(three, two), new RegExp(`Welcome, ${three.name}`));
  const anonymous = await request(causerie, "", `/chat/${two.id}`);
  assert.equal(anonymous.headers.get("location"), `/login?next=%2Fchat%2F${two.id}`);
});

test("every showing of a page has names of its own", async () => {
  const [one, two] = await twoPeople();
  const pages = [await chatOf(one, two), await chatOf(one, two)];
  for (const pattern of [/data-page-id="([^"]+)"/, /name="clientId" value="([^"]+)"/]) {
    const [first, second] = pages.map((page) => pattern.exec(page)?.[1]);
    assert.match(first ?? "", /^[0-9a-f-]{36}$/);
    assert.match(second ?? "", /^[0-9a-f-]{36}$/);
    assert.notEqual(first, second);
  }
});

test("a choice shows on the next page, and in no other browser that chose otherwise", async () => {
  const [one] = await twoPeople();
  assert.match(await homeOf(one), /<html lang="en"/);
  await one.post("/locale", { locale: "fr", next: "/" });
  assert.match(await homeOf(one), /<html lang="fr"/);
  await one.post("/theme", { theme: "dark", next: "/" });
  assert.match(await homeOf(one), /<html lang="fr"[^>]* class="dark"/);
});

test("somebody who comes, goes, registers or leaves for good is shown so on pages that are kept", async () => {
  const [one, two] = await twoPeople();
  const reader = await signUp(causerie);
  await reader.post(`/chat/${two.id}/messages`, { message: "hello", clientId: randomUUID() });
  const onlineIs = (state: string) => async () =>
    (await chatOf(reader, two)).includes(`data-presence data-online="${state}"`);
  const device = await connect(causerie, two);
  await eventually(onlineIs("true"), "shown as online");
  device.socket.disconnect();
  await two.post("/logout", {});
  await eventually(onlineIs("false"), "shown as offline");

  const name = newName("aaa");
  assert.doesNotMatch(await homeOf(reader), new RegExp(name));
  await signUp(causerie, name);
  assert.match(await (await reader.get(`/?q=${name}`)).text(), new RegExp(`>${name}<`));

  await one.post(`/chat/${reader.id}/messages`, { message: "goodbye", clientId: randomUUID() });
  assert.match(await chatOf(reader, one), new RegExp(`Chat with: ${one.name}`));
  const left = await one.post("/account/deletion", { password: one.password });
  assert.equal(left.status, 303);
  assert.match(await chatOf(reader, one), /Chat with: Deleted user/);
});

test("a session that was ended opens no kept page", async () => {
  const [one, two] = await twoPeople();
  const elsewhere = await logIn(causerie, one);
  assert.match(await chatOf(elsewhere, two), /Chat with/);
  const password = `another ${randomUUID()}`;
  const changed = await one.post("/password", { currentPassword: one.password, newPassword: password });
  assert.equal(changed.status, 303);
  assert.equal((await elsewhere.get(`/chat/${two.id}`)).status, 303);
  const again = await logIn(causerie, { name: one.name, password });
  assert.match(await chatOf(again, two), /Chat with/);
  await again.post("/logout", {});
  assert.equal((await again.get(`/chat/${two.id}`)).status, 303);
});
