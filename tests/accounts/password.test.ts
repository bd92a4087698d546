import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { textOf } from "../support/forms.ts";
import { connect, cookiesOf, eventually, logIn, request, signUp } from "../support/person.ts";
import { sessionIdOf } from "../support/redis.ts";

const causerie = await startCauserie();

const CHOSEN = "another long password";
const change = (currentPassword: string, newPassword = CHOSEN) => ({ currentPassword, newPassword });

const stored = async (id: number) =>
  (
    await causerie.rows<{ password_hash: string; auth_version: number }>(
      "SELECT password_hash, auth_version FROM users WHERE id = ?",
      [id],
    )
  )[0];

test("the form is a link away from the settings, and asks for both passwords", async () => {
  const person = await signUp(causerie);
  assert.match(await (await person.get("/settings")).text(), /<a href="\/password">Password<\/a>/);
  const page = await person.get("/password");
  assert.equal(page.headers.get("cache-control"), "no-store");
  const html = await page.text();
  assert.match(html, /<label for="currentPassword">Current password<\/label>/);
  assert.match(html, /<input[^>]*name="newPassword"[^>]*autocomplete="new-password"/);
  for (const name of ["currentPassword", "newPassword"]) {
    const [field = ""] = new RegExp(`<input[^>]*name="${name}"[^>]*>`).exec(html) ?? [];
    assert.match(field, /type="password"/, `${name} is masked`);
  }
  assert.equal((await request(causerie, "", "/password")).headers.get("location"), "/login?next=%2Fpassword");
});

test("a changed password is the one that counts, and whoever changed it stays, under a new session id", async () => {
  const person = await signUp(causerie);
  const before = await stored(person.id);
  const response = await person.post("/password", change(person.password));
  assert.equal(response.status, 303);
  const cookie = cookiesOf(response);
  assert.notEqual(sessionIdOf(cookie), sessionIdOf(person.cookie));
  assert.equal((await request(causerie, cookie, "/")).status, 200);
  assert.equal((await stored(person.id))?.auth_version, (before?.auth_version ?? 0) + 1);
  await assert.rejects(logIn(causerie, person), /401/);
  assert.equal((await logIn(causerie, { name: person.name, password: CHOSEN })).id, person.id);
});

test("every other session is over and every socket is cut, on every node; other people's stay", async () => {
  const [person, outsider] = [await signUp(causerie), await signUp(causerie)];
  const node = await causerie.another();
  const phone = await logIn(causerie, person);
  const sockets = [
    await connect(causerie, person),
    await connect(node, person),
    await connect(causerie, phone),
    await connect(node, phone),
  ];
  const others = await connect(node, outsider);
  await person.post("/password", change(person.password));
  await eventually(() => sockets.every(({ socket }) => !socket.connected), "all are cut", 1000);
  for (const { cookie } of [person, phone]) {
    for (const each of [causerie, node]) {
      assert.equal((await request(each, cookie, "/")).headers.get("location"), "/login?next=%2F");
      await assert.rejects(connect(each, { cookie }).then(({ ask }) => ask("getConversations", {})));
    }
  }
  assert.ok((await others.ask("getConversations", {})).ok);
  await node.stop();
});

test("a wrong current password changes nothing and ends nothing", async () => {
  const person = await signUp(causerie);
  const before = await stored(person.id);
  const socket = await connect(causerie, person);
  for (const wrong of ["", "not the password", `${person.password} `]) {
    const response = await person.post("/password", change(wrong));
    assert.equal(response.status, 403);
    const html = await response.text();
    assert.equal(textOf(html, "currentPassword-note"), "This is not your password.");
    assert.ok(!html.includes(CHOSEN), "no password comes back");
  }
  assert.deepEqual(await stored(person.id), before);
  assert.ok((await socket.ask("getConversations", {})).ok);
});

test("guessing the current password is limited for each account, and the right one does not count", async () => {
  const strict = await causerie.another({ LIMIT_PASSWORD_PER_USER: "3/15m" });
  const [person, other] = [await signUp(strict), await signUp(strict)];
  for (const wrong of ["one", "two"]) {
    assert.equal((await person.post("/password", change(wrong))).status, 403);
  }
  for (let again = 0; again < 3; again += 1) {
    assert.equal((await person.post("/password", change(person.password, "short"))).status, 400);
  }
  assert.equal((await person.post("/account/deletion", { password: "three" })).status, 403);
  const told = await person.post("/password", change(person.password));
  assert.equal(told.status, 429);
  assert.ok(Number(told.headers.get("retry-after")) > 0);
  assert.equal((await person.post("/account/deletion", { password: person.password })).status, 429);
  assert.equal((await other.post("/password", change(other.password))).status, 303);
  await strict.stop();
});

test("the audit log tells of changes and refusals, without any password", async () => {
  const person = await signUp(causerie);
  await person.post("/password", change("not the password"));
  await person.post("/password", change(person.password));
  const lines = causerie
    .output()
    .split("\n")
    .filter((line) => line.includes(`"userId":${person.id}`) || line.includes(`userId=${person.id} `));
  for (const event of ["password_change_failed", "password_changed"]) {
    assert.ok(
      lines.some((line) => line.includes(event)),
      event,
    );
  }
  for (const secret of ["not the password", person.password, CHOSEN, sessionIdOf(person.cookie)]) {
    assert.ok(!causerie.output().includes(secret), secret);
  }
});

test("a new password is held to what a first one is held to", async () => {
  const person = await signUp(causerie);
  const before = await stored(person.id);
  const refused: [string, string][] = [
    ["short", "Use at least 8 characters."],
    ["x".repeat(1025), "This is too long. Please choose a shorter one."],
    ["password123", "This one is guessed soon. Choose one that is longer or less common."],
    [`${person.name}1`, "This one is guessed soon. Choose one that is longer or less common."],
  ];
  for (const [chosen, reason] of refused) {
    const response = await person.post("/password", change(person.password, chosen));
    assert.equal(response.status, 400, chosen.slice(0, 20));
    assert.equal(textOf(await response.text(), "newPassword-note"), reason);
  }
  assert.deepEqual(await stored(person.id), before);
});

test("of two changes at once one counts, and the other is told so", async () => {
  const person = await signUp(causerie);
  const [one, other] = [person, await logIn(causerie, person)];
  const answers = await Promise.all([
    one.post("/password", change(person.password, "the first new password")),
    other.post("/password", change(person.password, "the second new password")),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  // Overtaken before the end, after the other's password was stored, or before the session was looked at.
  assert.ok([409, 403, 401].includes(statuses[1] ?? 0) && statuses[0] === 303, statuses.join());
  assert.equal((await stored(person.id))?.auth_version, 2);
});

test("a stranger, another site and a form of another shape change nothing", async () => {
  const person = await signUp(causerie);
  const body = new URLSearchParams(change(person.password));
  assert.equal((await request(causerie, "", "/password", { method: "POST", body })).status, 401);
  const foreign = await person.post("/password", change(person.password), { origin: "https://evil.example" });
  assert.equal(foreign.status, 403);
  const twice = `currentPassword=${encodeURIComponent(person.password)}&newPassword=a+b+c+d&newPassword=e+f+g+h`;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await request(causerie, person.cookie, "/password", {
    method: "POST",
    body: twice,
    headers,
  });
  assert.equal(answer.status, 400);
  assert.equal((await stored(person.id))?.auth_version, 1);
});
