import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm, postRaw, textOf } from "../support/forms.ts";
import { connect, cookiesOf, eventually, logIn, newName, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionIdOf, sessionKeyOf } from "../support/redis.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);

const sessionKeys = async () => (await redis.keys(`${causerie.redisPrefix}session:*`)).length;

test("the page has the words of the contract", async () => {
  const html = await (await request(causerie, "", "/login")).text();
  assert.match(html, /<label for="username">Username<\/label>/);
  assert.match(html, /<label for="password">Password<\/label>/);
  assert.match(html, /<button class="button">Login<\/button>/);
  assert.match(html, /<a href="\/register">Register<\/a>/);
  assert.match(html, /<input[^>]*name="password"[^>]*autocomplete="current-password"/);
  const [field = ""] = /<input[^>]*name="password"[^>]*>/.exec(html) ?? [];
  assert.match(field, /type="password"/);
  assert.doesNotMatch(field, /maxlength|onpaste|readonly/, "any password may be pasted, whole");
});

test("looking at pages makes no session and sets no session cookie", async () => {
  const before = await sessionKeys();
  for (const path of ["/login", "/register", "/", "/session", "/nowhere"]) {
    const response = await request(causerie, "", path);
    assert.deepEqual(response.headers.getSetCookie(), [], path);
  }
  assert.equal(await sessionKeys(), before);
});

test("logging in goes to the list, by any spelling of the name", async () => {
  const person = await signUp(causerie, `${newName()}é`);
  const spellings = [
    person.name,
    person.name.toUpperCase(),
    ` ${person.name} `,
    person.name.normalize("NFD"),
  ];
  for (const username of spellings) {
    const response = await postForm(causerie, "/login", { username, password: person.password });
    assert.equal(response.status, 303, username);
    assert.equal(response.headers.get("location"), "/");
    const { userId } = JSON.parse(await (await request(causerie, cookiesOf(response), "/session")).text());
    assert.equal(userId, person.id);
  }
});

test("the cookie is kept from scripts and from other sites' posts", async () => {
  const person = await signUp(causerie);
  const response = await postForm(causerie, "/login", { username: person.name, password: person.password });
  const [device = "", session = "", ...others] = response.headers.getSetCookie();
  assert.deepEqual(others, []);
  assert.match(session, /^causerie=s%3A/);
  assert.match(device, /^causerie-device=/);
  for (const [cookie, path] of [
    [session, "Path=/"],
    [device, "Path=/login"],
  ] as const) {
    const attributes = cookie.split("; ").slice(1);
    assert.ok(attributes.includes("HttpOnly"));
    assert.ok(attributes.includes("SameSite=Lax"));
    assert.ok(attributes.includes(path));
    assert.ok(!attributes.includes("Secure"), "over plain http browsers would drop it");
  }
});

test("the session's id is new after a login, and the one before is worth nothing", async () => {
  const person = await signUp(causerie);
  const { name: username, password } = person;
  const response = await postForm(causerie, "/login", { username, password }, { cookie: person.cookie });
  assert.equal(response.status, 303);
  assert.notEqual(sessionIdOf(cookiesOf(response)), sessionIdOf(person.cookie));
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 0);
  const before = await person.get("/");
  assert.equal(before.headers.get("location"), "/login?next=%2F");
});

test("an id planted before the login is never taken", async () => {
  const person = await signUp(causerie);
  const { name: username, password } = person;
  const planted = "causerie=s%3Aplanted.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const response = await postForm(causerie, "/login", { username, password }, { cookie: planted });
  assert.notEqual(sessionIdOf(cookiesOf(response)), "planted");
  assert.equal(await redis.exists(`${causerie.redisPrefix}session:planted`), 0);
});

test("whoever logs in where somebody else was signed in cuts that one's sockets there, no others", async () => {
  const [first, second] = [await signUp(causerie), await signUp(causerie)];
  const here = await connect(causerie, first);
  const elsewhere = await connect(causerie, await logIn(causerie, first));
  const { name: username, password } = second;
  await postForm(causerie, "/login", { username, password }, { cookie: first.cookie });
  await eventually(() => !here.socket.connected, "the first person's socket is cut", 1000);
  assert.ok((await elsewhere.ask("getConversations", {})).ok);
});

test("a wrong name and a wrong password are told in the same words, the name stays in its field", async () => {
  const person = await signUp(causerie);
  const pages: string[] = [];
  for (const username of [person.name, newName("u").padEnd(person.name.length, "x")]) {
    const response = await postForm(causerie, "/login", { username, password: "not the password" });
    assert.equal(response.status, 401);
    assert.deepEqual(response.headers.getSetCookie(), []);
    const html = await response.text();
    assert.match(html, /<p class="error" role="alert">The name or the password is wrong\.<\/p>/);
    assert.equal(fieldValue(html, "username"), username);
    assert.equal(fieldValue(html, "password"), "");
    assert.ok(!html.includes("not the password"));
    pages.push(html.replaceAll(username, "NAME"));
  }
  assert.equal(pages[0], pages[1]);
});

test("the hash behind a name is no password", async () => {
  const person = await signUp(causerie);
  const [row] = await causerie.rows<{ password_hash: string }>(
    "SELECT password_hash FROM users WHERE id = ?",
    [person.id],
  );
  const fields = { username: person.name, password: row?.password_hash ?? "" };
  assert.equal((await postForm(causerie, "/login", fields)).status, 401);
});

test("a login leads to where one wanted to go on this site, and never off it", async () => {
  const person = await signUp(causerie);
  const places: [string, string][] = [
    ["/settings", "/settings"],
    ["/chat/7?x=1&y=é", "/chat/7?x=1&y=%C3%A9"],
    ["/?q=a%20b", "/?q=a%20b"],
    ["", "/"],
    ["settings", "/"],
    ["https://elsewhere.example/", "/"],
    ["//elsewhere.example/", "/"],
    ["///elsewhere.example/", "/"],
    ["/\\elsewhere.example/", "/"],
    ["\\\\elsewhere.example/", "/"],
    ["/\t/elsewhere.example/", "/"],
    ["/\n/elsewhere.example/", "/"],
    ["/.//elsewhere.example/", "/"],
    ["/x/..//elsewhere.example/", "/"],
    ["/%2e//elsewhere.example/", "/"],
    ["/.\\\\elsewhere.example", "/"],
    ["javascript:alert(1)", "/"],
    ["data:text/html,x", "/"],
    ["/\r\nSet-Cookie: planted=1", "/Set-Cookie:%20planted=1"],
    ["/<script>alert(1)</script>", "/%3Cscript%3Ealert(1)%3C/script%3E"],
    ["/{{viewer.id}}", "/%7B%7Bviewer.id%7D%7D"],
    ["/' OR 1=1 --", "/'%20OR%201=1%20--"],
    [`/${"x".repeat(3000)}`, "/"],
    ["/x\0y", "/x%00y"],
    ["/\u202e", "/%E2%80%AE"],
  ];
  for (const [next, expected] of places) {
    const { name: username, password } = person;
    const response = await postForm(causerie, "/login", { username, password, next });
    assert.equal(response.status, 303, next);
    assert.equal(response.headers.get("location"), expected, next);
    assert.equal(new URL(expected, causerie.url).origin, causerie.url);
    const form = await request(causerie, "", `/login?next=${encodeURIComponent(next)}`);
    assert.equal(fieldValue(await form.text(), "next"), expected, next);
  }
});

test("a stranger is led to the login and from there to the page wanted", async () => {
  const person = await signUp(causerie);
  const other = await signUp(causerie);
  const wanted = `/chat/${other.id}?x=1`;
  const away = await request(causerie, "", wanted);
  assert.equal(away.status, 303);
  const login = away.headers.get("location") ?? "";
  const next = fieldValue(await (await request(causerie, "", login)).text(), "next") ?? "";
  const { name: username, password } = person;
  const refused = await postForm(causerie, "/login", { username, password: "wrong password", next });
  const kept = fieldValue(await refused.text(), "next") ?? "";
  const response = await postForm(causerie, "/login", { username, password, next: kept });
  assert.equal(response.headers.get("location"), wanted);
});

test("fields that come twice, as lists or as objects are not understood, and sign nobody in", async () => {
  const person = await signUp(causerie);
  const form = "application/x-www-form-urlencoded";
  const name = `username=${person.name}`;
  const password = `password=${encodeURIComponent(person.password)}`;
  const json = JSON.stringify;
  const bodies: [string, string][] = [
    [form, `${name}&${name}&${password}`],
    [form, `${name}&${password}&${password}`],
    [form, `${name}&${password}&next=/a&next=/b`],
    ["application/json", json({ username: [person.name], password: person.password })],
    ["application/json", json({ username: { toString: person.name }, password: person.password })],
    ["application/json", json({ username: person.name, password: { $ne: "" } })],
    ["application/json", json({ username: 7, password: person.password })],
    ["application/json", json({ username: null, password: person.password })],
    ["application/json", json([person.name, person.password])],
    ["text/plain", `${name}&${password}`],
    ["application/octet-stream", `${name}&${password}`],
    ["multipart/form-data; boundary=x", `--x\r\n\r\n${name}\r\n--x--`],
    [`${form}; charset=klingon`, `${name}&${password}`],
    ["application/json", `{"username": "${person.name}", "password": `],
    ["application/json", "null"],
    ["application/json", `"${person.name}"`],
  ];
  for (const [type, body] of bodies) {
    const response = await postRaw(causerie, "/login", type, body);
    assert.equal(response.status, 400, `${type} ${body}`);
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.match(await response.text(), /<h1>That was not understood<\/h1>/);
  }
});

test("fields named after what objects own change nothing", async () => {
  const { name: username, password } = await signUp(causerie);
  const secret = encodeURIComponent(password);
  const strange = "__proto__=x&constructor=y&__proto__[username]=admin&hasOwnProperty=z";
  const form = await postRaw(
    causerie,
    "/login",
    "application/x-www-form-urlencoded",
    `${strange.replace("__proto__[username]=admin&", "")}&username=${username}&password=${secret}`,
  );
  assert.equal(form.status, 303);
  const json = `{"__proto__":{"username":"nobody"},"username":"${username}","password":"${password}"}`;
  assert.equal((await postRaw(causerie, "/login", "application/json", json)).status, 303);
  const inherited = `{"__proto__":{"username":"${username}","password":"${password}"}}`;
  assert.equal((await postRaw(causerie, "/login", "application/json", inherited)).status, 401);
});

test("a body that is not encoded as it says is not understood", async () => {
  const headers = { "content-encoding": "gzip" };
  const type = "application/x-www-form-urlencoded";
  const response = await postRaw(causerie, "/login", type, "username=x", { headers });
  assert.equal(response.status, 400);
});

test("percent signs and bytes that are no text are only a wrong name", async () => {
  for (const name of ["%", "%zz", "%c3", "%ff%fe", "%00", "%ed%a0%80", "%F0%9F%8C%9E"]) {
    const body = `username=${name}&password=a+wrong+password`;
    const response = await postRaw(causerie, "/login", "application/x-www-form-urlencoded", body);
    assert.equal(response.status, 401, name);
  }
});

test("a name with markup comes back as text", async () => {
  const username = `"><script>alert(1)</script>{{password}}{{{x}}}`;
  const response = await postForm(causerie, "/login", { username, password: "wrong password" });
  const html = await response.text();
  assert.equal(fieldValue(html, "username"), username);
  assert.doesNotMatch(html, /<script>alert/);
});

test("a body too large and one of too many fields are told so", async () => {
  const fields = { username: "x".repeat(70_000), password: "p" };
  const large = await postForm(causerie, "/login", fields);
  assert.equal(large.status, 413);
  assert.match(await large.text(), /<h1>This is too large<\/h1>/);
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field${index}`, "x"]));
  assert.equal((await postForm(causerie, "/login", many)).status, 413);
});

test("a body that only unpacks to something too large is refused as well", async () => {
  const body = new Uint8Array(gzipSync(`username=${"x".repeat(5_000_000)}`));
  const headers = { "content-encoding": "gzip" };
  const type = "application/x-www-form-urlencoded";
  assert.equal((await postRaw(causerie, "/login", type, body, { headers })).status, 413);
});

test("a flood of logins is told to wait, in plain words, and everybody else is still answered", async () => {
  const slow = await causerie.another({ BCRYPT_COST: "9", LIMIT_LOGIN_PER_NAME: "off" });
  const fields = { username: newName(), password: "a password" };
  const flood = Array.from({ length: 60 }, () => postForm(slow, "/login", fields));
  const page = await request(slow, "", "/login");
  assert.equal(page.status, 200);
  const answers = await Promise.all(flood);
  const busy = answers.filter(({ status }) => status === 503);
  assert.ok(busy.length > 0 && busy.length < 60, `${busy.length} of 60 were refused`);
  assert.ok(answers.every(({ status }) => status === 503 || status === 401));
  const [first] = busy;
  const html = (await first?.text()) ?? "";
  assert.match(html, /role="alert">Too many attempts just now\. Please wait a moment and try again\.</);
  assert.equal(fieldValue(html, "username"), fields.username);
  assert.ok(Number(first?.headers.get("retry-after")) > 0);
  assert.equal((await postForm(slow, "/login", fields)).status, 401, "afterwards it answers again");
  await slow.stop();
});

test("a session that ran out counts as none, and its cookie makes no new one", async () => {
  const person = await signUp(causerie);
  await redis.del(sessionKeyOf(causerie, person.cookie));
  const page = await person.get("/settings");
  assert.equal(page.status, 303);
  assert.equal(page.headers.get("location"), "/login?next=%2Fsettings");
  const post = await person.post("/time-zone", { timeZone: "Europe/Paris" });
  assert.equal(post.status, 401);
  assert.match(await post.text(), /<h1>You are logged out<\/h1>/);
  assert.deepEqual(await person.json("/session"), { userId: null });
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 0);
  await assert.rejects(connect(causerie, person), /unauthorized/);
});

test('a session of before "end all others" counts as none', async () => {
  const person = await signUp(causerie);
  await causerie.rows("UPDATE users SET auth_version = auth_version + 1 WHERE id = ?", [person.id]);
  assert.equal((await person.get("/")).status, 303);
  const again = await logIn(causerie, person);
  assert.equal((await again.get("/")).status, 200);
});

test("a cookie that was tampered with is worth nothing", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  const signature = person.cookie.split(".")[1];
  const forgeries = [
    person.cookie.slice(0, -2),
    `causerie=${sessionIdOf(person.cookie)}`,
    `causerie=s%3A${sessionIdOf(other.cookie)}.${signature}`,
    "causerie=s%3A",
    "causerie=%E0%A4%A",
    "causerie=",
    `causerie=s%3A${"x".repeat(3000)}.y`,
  ];
  for (const cookie of forgeries) {
    const response = await request(causerie, cookie, "/");
    assert.equal(response.status, 303, cookie);
    assert.equal(response.headers.get("location"), "/login?next=%2F");
  }
});

test("whose session it is can be asked without an error, by its owner only", async () => {
  const person = await signUp(causerie);
  assert.deepEqual(await person.json("/session"), { userId: person.id });
  const stranger = await request(causerie, "", "/session");
  assert.equal(stranger.headers.get("cache-control"), "no-store");
  assert.deepEqual(await stranger.json(), { userId: null });
});

test("logins survive a restart", async () => {
  const first = await causerie.another();
  const person = await signUp(first);
  await first.stop();
  const second = await causerie.another();
  const page = await request(second, person.cookie, "/");
  assert.equal(page.status, 200);
  assert.match(await page.text(), new RegExp(`Welcome, ${person.name}`));
  assert.ok((await logIn(second, person)).id === person.id, "the password still fits");
  await second.stop();
});

test("a note beside the fields tells what fits only when registering", async () => {
  const login = await (await request(causerie, "", "/login")).text();
  const register = await (await request(causerie, "", "/register")).text();
  assert.equal(textOf(login, "password-note"), "");
  assert.equal(textOf(register, "password-note"), "At least 8 characters.");
});
