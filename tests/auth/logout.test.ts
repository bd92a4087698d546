import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { connect, eventually, logIn, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);

test("every page of somebody signed in has a button Logout", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  for (const path of ["/", `/chat/${other.id}`, "/settings", "/nowhere"]) {
    const html = await (await person.get(path)).text();
    assert.match(html, /<form method="post" action="\/logout"><button class="quiet">Logout<\/button>/, path);
  }
});

test("logging out ends the session in Redis, clears the cookie and goes to the login", async () => {
  const person = await signUp(causerie);
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 1);
  const response = await person.post("/logout", {});
  assert.equal(response.status, 303);
  assert.equal(response.headers.get("location"), "/login");
  const [cookie = ""] = response.headers.getSetCookie();
  assert.match(cookie, /^causerie=; .*Expires=Thu, 01 Jan 1970/);
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 0);
});

test("afterwards the cookie is worth nothing anywhere", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  await person.post("/logout", {});
  for (const path of ["/", "/settings", `/chat/${other.id}`, `/chat/${other.id}/messages?afterRev=0`]) {
    const page = await person.get(path);
    assert.equal(page.status, 303, path);
    assert.equal(page.headers.get("location"), `/login?next=${encodeURIComponent(path)}`);
  }
  const sent = await person.post(`/chat/${other.id}/messages`, { message: "too late" });
  assert.equal(sent.status, 401);
  assert.deepEqual(await causerie.rows("SELECT * FROM messages WHERE sender_id = ?", [person.id]), []);
  assert.deepEqual(await person.json("/session"), { userId: null });
  await assert.rejects(connect(causerie, person), /unauthorized/);
});

test("the session's sockets are cut on every node, those of other sessions stay", async () => {
  const [person, outsider] = [await signUp(causerie), await signUp(causerie)];
  const node = await causerie.another();
  const here = await connect(causerie, person);
  const there = await connect(node, person);
  const elsewhere = await connect(causerie, await logIn(causerie, person));
  const others = await connect(causerie, outsider);
  await person.post("/logout", {});
  await eventually(() => !here.socket.connected && !there.socket.connected, "both are cut", 1000);
  assert.ok((await elsewhere.ask("getConversations", {})).ok);
  assert.ok((await others.ask("getConversations", {})).ok);
  await node.stop();
});

test("whoever watches sees the person offline at once, others are told nothing", async () => {
  const [person, watcher, outsider] = [
    await signUp(causerie),
    await signUp(causerie),
    await signUp(causerie),
  ];
  const own = await connect(causerie, person);
  assert.ok((await own.ask("getConversations", {})).ok);
  await person.get("/");
  const watching = await connect(causerie, watcher);
  const notWatching = await connect(causerie, outsider);
  const { users } = await watching.ask("watchUsers", { userIds: [person.id] });
  assert.deepEqual(
    users.map(({ userId, online }: { userId: number; online: boolean }) => ({ userId, online })),
    [{ userId: person.id, online: true }],
  );
  assert.ok((await notWatching.ask("watchUsers", { userIds: [watcher.id] })).ok);
  await person.post("/logout", {});
  await watching.until("updateOnlineUsers", (news) =>
    news.users.some((user: { userId: number; online: boolean }) => user.userId === person.id && !user.online),
  );
  const html = await (await watcher.get(`/chat/${person.id}`)).text();
  assert.match(html, /data-presence data-online="false"/);
  const told = notWatching.news("updateOnlineUsers").flatMap((news) => news.users);
  assert.deepEqual(
    told.filter((user: { userId: number }) => user.userId === person.id),
    [],
  );
});

test("requests that are under way while one logs out do not bring the session back", async () => {
  const person = await signUp(causerie);
  const pages = Array.from({ length: 30 }, (_, index) => person.get(index % 2 ? "/" : "/settings"));
  const choices = Array.from({ length: 5 }, () => person.post("/theme", { theme: "dark" }));
  const logout = person.post("/logout", {});
  const late = Array.from({ length: 30 }, () => person.get("/"));
  const answers = await Promise.all([...pages, ...choices, logout, ...late]);
  assert.ok(answers.every(({ status }) => [200, 303].includes(status)));
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 0);
  assert.equal((await person.get("/")).status, 303);
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 0);
});

test("logging out twice, or as a stranger, is no error", async () => {
  const person = await signUp(causerie);
  for (const cookie of [person.cookie, person.cookie, ""]) {
    const response = await request(causerie, cookie, "/logout", { method: "POST" });
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), "/login");
  }
});

test("a link cannot log anybody out", async () => {
  const person = await signUp(causerie);
  assert.equal((await person.get("/logout")).status, 404);
  assert.equal((await person.get("/")).status, 200);
});

test("logging out on one device leaves the others signed in", async () => {
  const person = await signUp(causerie);
  const phone = await logIn(causerie, person);
  await person.post("/logout", {});
  assert.equal((await phone.get("/")).status, 200);
  assert.equal(await redis.exists(sessionKeyOf(causerie, phone.cookie)), 1);
});
