import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { textOf } from "../support/forms.ts";
import { connect, eventually, logIn, newName, type Person, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";

const causerie = await startCauserie();
// The first account is the administrator's, which stays.
const administrator = await signUp(causerie);
const redis = await openTestRedis(causerie);

const leave = (person: Person) => person.post("/account/deletion", { password: person.password });

/** Two people who have said something to each other, and one nobody talks with. */
async function trio(): Promise<[Person, Person, Person]> {
  const people = [await signUp(causerie), await signUp(causerie), await signUp(causerie)] as const;
  const [leaver, friend] = people;
  await leaver.post(`/chat/${friend.id}/messages`, { message: "from the leaver" });
  await friend.post(`/chat/${leaver.id}/messages`, { message: "from the friend" });
  return [...people];
}

test("a deleted account leaves a number and nothing of its person", async () => {
  const [leaver] = await trio();
  await leaver.post("/theme", { theme: "dark" });
  await leaver.post("/time-zone", { timeZone: "Asia/Tokyo" });
  const socket = await connect(causerie, leaver);
  const phone = await logIn(causerie, leaver);
  const response = await leave(leaver);
  assert.equal(response.status, 303);
  assert.equal(response.headers.get("location"), "/login");
  assert.match(response.headers.getSetCookie()[0] ?? "", /^causerie=; /);
  await eventually(() => !socket.socket.connected, "the socket is cut", 1000);
  const [row] = await causerie.rows<Record<string, unknown>>("SELECT * FROM users WHERE id = ?", [leaver.id]);
  const { id, created_at: _created, password_scheme: _scheme, auth_version: version, ...rest } = row ?? {};
  assert.deepEqual([id, version], [leaver.id, 2]);
  assert.deepEqual(rest, {
    ...{ username: "", username_key: null, password_hash: "", locale: null, theme: null },
    ...{ time_zone: null, last_seen_at: null, administrator: null, disabled_at: null },
  });
  assert.equal(await redis.exists(`${causerie.redisPrefix}sessions:${leaver.id}`), 0);
  for (const { cookie } of [leaver, phone]) {
    assert.equal(await redis.exists(sessionKeyOf(causerie, cookie)), 0, "addresses are personal data");
  }
  const suffixes = await causerie.rows("SELECT * FROM username_suffixes WHERE user_id = ?", [leaver.id]);
  assert.deepEqual(suffixes, []);
  for (const { cookie } of [leaver, phone]) {
    assert.equal((await request(causerie, cookie, "/")).status, 303);
    await assert.rejects(connect(causerie, { cookie }).then(({ ask }) => ask("getConversations", {})));
  }
  await assert.rejects(logIn(causerie, leaver), /401/);
  await assert.rejects(logIn(causerie, { name: "", password: "" }), /401/);
});

test("a deleted account leaves no link for a password, and no invitation that says who it was", async () => {
  const [leaver, stays] = [await signUp(causerie), await signUp(causerie)];
  for (const { id, name } of [leaver, stays]) {
    await causerie.rows(
      `INSERT INTO invitations (token_hash, note, made_by, created_at, expires_at, used_by)
       VALUES (UNHEX(SHA2(?, 256)), ?, 1, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), ?)`,
      [name, `for ${name}`, id],
    );
    assert.equal((await administrator.post(`/admin/users/${id}/reset`, {})).status, 201);
  }
  await leave(leaver);
  const left = await causerie.rows("SELECT user_id FROM password_resets");
  assert.deepEqual(left, [{ user_id: stays.id }]);
  const notes = await causerie.rows("SELECT note FROM invitations WHERE used_by IN (?, ?)", [
    leaver.id,
    stays.id,
  ]);
  assert.deepEqual(notes, [{ note: `for ${stays.name}` }]);
});

test("being seen last is not written down again after the account is gone", async () => {
  const [leaver, friend] = await trio();
  const watching = await connect(causerie, friend);
  await connect(causerie, leaver);
  await watching.ask("watchUsers", { userIds: [leaver.id] });
  await leave(leaver);
  const isOffline = (news: { users: { userId: number; online: boolean }[] }) =>
    news.users.some(({ userId, online }) => userId === leaver.id && !online);
  await watching.until("updateOnlineUsers", isOffline);
  const key = `${causerie.redisPrefix}presence:due`;
  assert.equal(await redis.zScore(key, String(leaver.id)), null);
  const [row] = await causerie.rows<{ at: Date | null }>(
    "SELECT last_seen_at AS at FROM users WHERE id = ?",
    [leaver.id],
  );
  assert.equal(row?.at, null);
});

test("whoever talked with a deleted account can read on, and it is called Deleted user", async () => {
  const [leaver, friend] = await trio();
  await leave(leaver);
  const chat = await (await friend.get(`/chat/${leaver.id}`)).text();
  assert.match(chat, /<h1[^>]*>Chat with: Deleted user<\/h1>/);
  assert.match(
    chat,
    /<span class="sender">Deleted user:<\/span><div class="text" dir="auto">from the leaver</,
  );
  assert.match(chat, /from the friend/);
  assert.match(chat, /This person has deleted their account and gets no messages any more\./);
  assert.doesNotMatch(chat, /<textarea/);
  assert.ok(!chat.includes(leaver.name), "the name is nowhere");
  const home = await (await friend.get("/")).text();
  assert.match(home, new RegExp(`<a href="/chat/${leaver.id}"[\\s\\S]*?Deleted user`));
  assert.ok(!home.includes(leaver.name));
  await friend.post("/locale", { locale: "fr" });
  assert.match(await (await friend.get(`/chat/${leaver.id}`)).text(), /Discussion avec : Compte supprimé/);
  const device = await connect(causerie, friend);
  const { messages } = await device.ask("getMessages", { userId: leaver.id });
  assert.deepEqual(
    messages.map(({ sender, message }: { sender: string; message: string }) => [sender, message]),
    [
      ["", "from the leaver"],
      [friend.name, "from the friend"],
    ],
  );
});

test("a deleted account is found by nobody who did not talk with it, and by no search", async () => {
  const [leaver, friend, stranger] = await trio();
  await leave(leaver);
  for (const { get } of [friend, stranger]) {
    for (const q of [leaver.name, leaver.name.slice(2), "Deleted"]) {
      assert.doesNotMatch(await (await get(`/?q=${q}`)).text(), new RegExp(`href="/chat/${leaver.id}"`), q);
    }
  }
  assert.doesNotMatch(await (await stranger.get("/")).text(), new RegExp(`href="/chat/${leaver.id}"`));
  assert.equal((await stranger.get(`/chat/${leaver.id}`)).status, 404);
  const device = await connect(causerie, stranger);
  const { rows } = await device.ask("getConversations", { userIds: [leaver.id, friend.id] });
  assert.deepEqual(
    rows.map(({ userId }: { userId: number }) => userId),
    [friend.id],
  );
});

test("nobody can send to a deleted account: those who talked with it are told why, others find nobody", async () => {
  const [leaver, friend, stranger] = await trio();
  const devices = [await connect(causerie, friend), await connect(causerie, stranger)] as const;
  await leave(leaver);
  const refused = await devices[0].send(leaver.id, "too late");
  assert.deepEqual(refused.error, {
    code: "forbidden",
    message: "This person has deleted their account and gets no messages any more.",
  });
  assert.equal((await devices[1].send(leaver.id, "hello?")).error?.code, "not_found");
  const form = await friend.post(`/chat/${leaver.id}/messages`, { message: "typed before it was gone" });
  assert.equal(form.status, 403);
  const html = await form.text();
  assert.equal(
    textOf(html, "composer-error"),
    "This person has deleted their account and gets no messages any more.",
  );
  assert.match(html, /typed before it was gone<\/textarea>/);
  const count = await causerie.rows<{ seq: number }>(
    "SELECT seq FROM messages m JOIN memberships s USING (conversation_id) WHERE s.user_id = ?",
    [leaver.id],
  );
  assert.equal(count.length, 2);
});

test("a message that was stored before is still acknowledged when it is sent once more", async () => {
  const [leaver, friend] = await trio();
  const device = await connect(causerie, friend);
  const clientId = randomUUID();
  const first = await device.send(leaver.id, "just in time", clientId);
  await leave(leaver);
  const again = await device.send(leaver.id, "just in time", clientId);
  assert.equal(again.message.id, first.message.id);
});

test("sends under way while an account is deleted are stored before it, or refused", async () => {
  const [leaver, friend, stranger] = await trio();
  const node = await causerie.another();
  const devices = [await connect(causerie, friend), await connect(node, friend), await connect(node, leaver)];
  const newcomer = await connect(node, stranger);
  const sends = Array.from({ length: 200 }, (_, index) => {
    const device = devices[index % 3];
    const to = index % 3 === 2 ? friend.id : leaver.id;
    return device?.send(to, `message ${index}`).catch(() => ({ ok: null })) ?? { ok: null };
  });
  const beginning = newcomer.send(leaver.id, "a first message").catch(() => ({ ok: null }));
  const [deleted, first, ...answers] = await Promise.all([leave(leaver), beginning, ...sends]);
  assert.equal(deleted.status, 303);
  const stored = answers.filter(({ ok }) => ok === true).length + Number(first.ok === true);
  const rows = await causerie.rows<{ created_at: Date }>(
    "SELECT m.created_at FROM messages m JOIN memberships s USING (conversation_id) WHERE s.user_id = ?",
    [leaver.id],
  );
  // Answers to the leaver's own sends are lost with the socket that is cut.
  const lost = answers.filter(({ ok }) => ok === null).length;
  assert.ok(
    rows.length - 2 >= stored && rows.length - 2 <= stored + lost,
    `${rows.length} for ${stored}, ${lost}`,
  );
  assert.equal((await devices[0]?.send(leaver.id, "afterwards"))?.ok, false);
  assert.equal((await newcomer.send(leaver.id, "afterwards")).ok, false);
  await node.stop();
});

test("the name is free again, and whoever takes it is somebody else", async () => {
  const [leaver, friend] = await trio();
  await leave(leaver);
  const heir = await signUp(causerie, leaver.name);
  assert.notEqual(heir.id, leaver.id);
  assert.equal((await friend.get(`/chat/${heir.id}`)).status, 200);
  assert.doesNotMatch(await (await heir.get("/")).text(), /from the friend/);
  assert.match(await (await friend.get(`/?q=${leaver.name}`)).text(), new RegExp(`href="/chat/${heir.id}"`));
});

test("it takes the password: without it nothing is deleted", async () => {
  const person = await signUp(causerie);
  const html = await (await person.get("/account/deletion")).text();
  assert.match(html, /<button class="button danger">Delete my account<\/button>/);
  for (const password of ["", "wrong password"]) {
    const response = await person.post("/account/deletion", { password });
    assert.equal(response.status, 403);
    assert.equal(textOf(await response.text(), "password-note"), "This is not your password.");
  }
  assert.equal((await person.get("/")).status, 200);
  const body = new URLSearchParams({ password: person.password });
  assert.equal((await request(causerie, "", "/account/deletion", { method: "POST", body })).status, 401);
  assert.equal((await person.get("/account/deletion?password=x")).status, 200, "a link deletes nothing");
});

test("others' open lists are told that somebody left", async () => {
  const [leaver, friend, stranger] = await trio();
  const [told, also] = [await connect(causerie, friend), await connect(causerie, stranger)];
  await leave(leaver);
  for (const device of [told, also]) await device.until("userLeft", ({ userId }) => userId === leaver.id);
});

test("two accounts that talk with each other can be deleted at once", async () => {
  const people = await Promise.all(Array.from({ length: 4 }, () => signUp(causerie, newName())));
  for (const one of people)
    for (const other of people)
      if (one !== other) await one.post(`/chat/${other.id}/messages`, { message: "hello" });
  const answers = await Promise.all(people.map(leave));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [303, 303, 303, 303],
  );
});
