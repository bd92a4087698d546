import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { textOf } from "../support/forms.ts";
import { connect, cookiesOf, eventually, logIn, type Person, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionIdOf, sessionKeyOf } from "../support/redis.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);

const indexOf = ({ id }: Person) => `${causerie.redisPrefix}sessions:${id}`;
const pageOf = async (person: Person) => (await person.get("/sessions")).text();
/** The names of the sessions that can be ended, in the order of the page. */
const namesOf = (html: string) =>
  [...html.matchAll(/\/sessions\/([\w-]{22})\/revocation/g)].map(([, name = ""]) => name);

const AGENTS = {
  "Firefox on Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Safari on iPhone":
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
  "Chrome on Android":
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
  "Edge on macOS":
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
  "Unknown device": "<script>alert(1)</script>",
};

async function logInWith(agent: string, { name, password }: Person): Promise<string> {
  const body = new URLSearchParams({ username: name, password });
  const headers = { "user-agent": agent };
  return cookiesOf(await request(causerie, "", "/login", { method: "POST", body, headers }));
}

test("the page tells of each session its device, address, beginning and last use, and which is this one", async () => {
  const person = await signUp(causerie);
  assert.match(
    await (await person.get("/settings")).text(),
    /<a href="\/sessions">Where you are logged in<\/a>/,
  );
  for (const agent of Object.values(AGENTS)) await logInWith(agent, person);
  const response = await person.get("/sessions");
  assert.equal(response.headers.get("cache-control"), "no-store");
  const html = await response.text();
  for (const device of Object.keys(AGENTS)) assert.ok(html.includes(`<strong>${device}</strong>`), device);
  assert.equal(html.match(/<li>/g)?.length, 6);
  assert.equal(html.match(/This browser · 127\.0\.0\.1/g)?.length, 1);
  assert.equal(html.match(/127\.0\.0\.1/g)?.length, 6);
  const times = [...html.matchAll(/<time datetime="([^"]+)">\d\d:\d\d</g)].map(([, at = ""]) =>
    Date.parse(at),
  );
  assert.equal(times.length, 12);
  assert.ok(times.every((at) => Math.abs(Date.now() - at) < 60_000));
  assert.equal(namesOf(html).length, 5);
  assert.doesNotMatch(html, /<script>alert/);
  assert.ok(!html.includes(sessionIdOf(person.cookie)), "no session id is shown");
});

test("a session that is ended is out at once with its sockets, on every node; the others stay", async () => {
  const person = await signUp(causerie);
  const node = await causerie.another();
  const phone = await logIn(causerie, person);
  const [name = ""] = namesOf(await pageOf(person));
  const sockets = [await connect(causerie, phone), await connect(node, phone)];
  const own = await connect(node, person);
  const response = await person.post(`/sessions/${name}/revocation`, { password: person.password });
  assert.equal(response.headers.get("location"), "/sessions");
  await eventually(() => sockets.every(({ socket }) => !socket.connected), "both are cut", 1000);
  for (const each of [causerie, node]) {
    assert.equal((await request(each, phone.cookie, "/")).headers.get("location"), "/login?next=%2F");
    await assert.rejects(connect(each, phone), /unauthorized/);
  }
  assert.ok((await own.ask("getConversations", {})).ok);
  assert.deepEqual(namesOf(await pageOf(person)), []);
  assert.deepEqual(await redis.zRange(indexOf(person), 0, -1), [sessionIdOf(person.cookie)]);
  await node.stop();
});

test("all others are ended in one step, also those that no list knows of", async () => {
  const person = await signUp(causerie);
  const [phone, hidden] = [await logIn(causerie, person), await logIn(causerie, person)];
  const sockets = [
    await connect(causerie, person),
    await connect(causerie, phone),
    await connect(causerie, hidden),
  ];
  await redis.zRem(indexOf(person), sessionIdOf(hidden.cookie));
  const begun = /Logged in <time datetime="([^"]+)"/.exec(await pageOf(person))?.[1];
  const response = await person.post("/sessions/others/revocation", { password: person.password });
  assert.equal(response.status, 303);
  await eventually(() => sockets.every(({ socket }) => !socket.connected), "all are cut", 1000);
  for (const { cookie } of [person, phone, hidden]) {
    assert.equal((await request(causerie, cookie, "/")).status, 303);
  }
  const here = await (await request(causerie, cookiesOf(response), "/sessions")).text();
  assert.equal(here.match(/<li>/g)?.length, 1);
  assert.equal(/Logged in <time datetime="([^"]+)"/.exec(here)?.[1], begun, "this login is as old as it was");
});

test("ending sessions takes the password", async () => {
  const person = await signUp(causerie);
  const phone = await logIn(causerie, person);
  const [name = ""] = namesOf(await pageOf(person));
  for (const which of [name, "others"]) {
    const page = await (await person.get(`/sessions/${which}/revocation`)).text();
    assert.match(page, /<input[^>]*name="password"[^>]*autocomplete="current-password"/);
    const response = await person.post(`/sessions/${which}/revocation`, { password: "wrong password" });
    assert.equal(response.status, 403);
    assert.equal(textOf(await response.text(), "password-note"), "This is not your password.");
  }
  assert.equal((await phone.get("/")).status, 200);
});

test("somebody else's session, one that is over and a name that is none are not found", async () => {
  const [person, stranger] = [await signUp(causerie), await signUp(causerie)];
  const phone = await logIn(causerie, person);
  const [name = ""] = namesOf(await pageOf(person));
  const password = stranger.password;
  for (const which of [name, "x".repeat(22), "x", "../others", sessionIdOf(phone.cookie)]) {
    const path = `/sessions/${encodeURIComponent(which)}/revocation`;
    assert.equal((await stranger.get(path)).status, 404, which);
    assert.equal((await stranger.post(path, { password })).status, 404, which);
  }
  assert.equal((await phone.get("/")).status, 200);
  await phone.post("/logout", {});
  const over = await person.post(`/sessions/${name}/revocation`, { password: person.password });
  assert.equal(over.status, 404);
});

test("what is gone from Redis is gone from the page, and the index does not grow by it", async () => {
  const person = await signUp(causerie);
  const phones = [
    await logIn(causerie, person),
    await logIn(causerie, person),
    await logIn(causerie, person),
  ];
  await redis.del(phones.slice(1).map(({ cookie }) => sessionKeyOf(causerie, cookie)));
  assert.equal(await redis.zCard(indexOf(person)), 4);
  assert.equal(namesOf(await pageOf(person)).length, 1);
  assert.equal(await redis.zCard(indexOf(person)), 2);
  await phones[0]?.post("/logout", {});
  assert.equal(await redis.zCard(indexOf(person)), 1, "logging out leaves nothing");
});

test("a session whose index was lost is back in it when it is next used", async () => {
  const person = await signUp(causerie);
  await redis.del(indexOf(person));
  const node = await causerie.another();
  await request(node, person.cookie, "/");
  await eventually(async () => (await redis.zCard(indexOf(person))) === 1, "it is in the index");
  await node.stop();
});

test("logins at the same moment are all in the list", async () => {
  const person = await signUp(causerie);
  await Promise.all(Array.from({ length: 10 }, () => logIn(causerie, person)));
  assert.equal(namesOf(await pageOf(person)).length, 10);
});

test("using a session is written down at most once a minute, and never brings back one that is gone", async () => {
  const person = await signUp(causerie);
  const key = sessionKeyOf(causerie, person.cookie);
  const before = await redis.zScore(indexOf(person), sessionIdOf(person.cookie));
  await redis.expire(key, 1000);
  for (let again = 0; again < 5; again += 1) await person.get("/settings");
  assert.equal(await redis.zScore(indexOf(person), sessionIdOf(person.cookie)), before);
  assert.ok((await redis.ttl(key)) <= 1000, "nothing was written");
  const node = await causerie.another();
  await request(node, person.cookie, "/settings");
  await eventually(async () => (await redis.ttl(key)) > 29 * 86_400, "the first use on another node is");
  await Promise.all([redis.del(key), request(node, person.cookie, "/settings")]);
  assert.equal(await redis.exists(key), 0);
  await node.stop();
});

test("a person has 100 sessions at most: a login ends the one unused for longest, with its sockets, on every node", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  const node = await causerie.another();
  const [oldest, kept] = [await logIn(causerie, person), await logIn(causerie, person)];
  const sockets = [await connect(causerie, oldest), await connect(node, oldest)];
  const staying = [await connect(node, kept), await connect(node, other)];
  for (let index = 0; index < 97; index += 1) await logIn(causerie, person);
  assert.equal(await redis.zCard(indexOf(person)), 100);
  assert.equal((await oldest.get("/")).status, 200);
  // The first was used since, by another node; the oldest was not.
  const places = {
    [sessionIdOf(person.cookie)]: Date.now(),
    [sessionIdOf(oldest.cookie)]: Date.now() - 3_600_000,
  };
  for (const [value, score] of Object.entries(places)) await redis.zAdd(indexOf(person), { score, value });
  const newest = await logIn(node, person);
  assert.equal(await redis.zCard(indexOf(person)), 100);
  await eventually(() => sockets.every(({ socket }) => !socket.connected), "its sockets are cut", 1000);
  assert.equal(await redis.exists(sessionKeyOf(causerie, oldest.cookie)), 0);
  assert.equal((await oldest.get("/")).headers.get("location"), "/login?next=%2F");
  for (const { get } of [person, kept, newest, other]) assert.equal((await get("/")).status, 200);
  for (const { ask } of staying) assert.ok((await ask("getConversations", {})).ok);
  await node.stop();
});
