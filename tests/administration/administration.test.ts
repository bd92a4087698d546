import assert from "node:assert/strict";
import { test } from "node:test";
import { openTab } from "../messages/talk.ts";
import { startCauserie } from "../support/causerie.ts";
import { postForm, textOf } from "../support/forms.ts";
import {
  connect,
  cookiesOf,
  eventually,
  logIn,
  newName,
  type Person,
  request,
  signUp,
} from "../support/person.ts";
import { turnTwoStepOn } from "../support/two-step.ts";

/** What the administrator does, on two nodes that share one chat. */
const first = await startCauserie({ REGISTRATION: "open" });
const second = await first.another();
const administrator = await signUp(first, newName("admin"));

const tryLogin = (name: string, password: string, node = first) =>
  postForm(node, "/login", { username: name, password });

test("the page is the administrator's alone, and only there is a link to it", async () => {
  const person = await signUp(first);
  assert.match(await (await administrator.get("/settings")).text(), /href="\/admin"/);
  assert.doesNotMatch(await (await person.get("/settings")).text(), /href="\/admin"/);
  for (const cookie of ["", person.cookie]) {
    const page = await request(first, cookie, "/admin");
    assert.equal(page.status, 404);
    assert.match(await page.text(), /<h1>There is nothing here<\/h1>/);
  }
  const paths = [
    "users/1/disabling",
    "users/1/revocation",
    "users/1/reset",
    "users/1/reset/withdrawal",
    "users/1/two-step/deletion",
    "users/1/handover",
    "invitations",
    "invitations/1/withdrawal",
  ];
  for (const path of paths) {
    const answer = await person.post(`/admin/${path}`, { disabled: "true" });
    assert.equal(answer.status, 404, path);
  }
  assert.equal((await administrator.get("/admin")).status, 200);
});

test("the page lists people by name, finds them by any part of it, and pages", async () => {
  const mark = newName("z");
  for (let index = 10; index < 40; index += 1) await signUp(first, `${mark}-${index}`);
  const found = await (await administrator.get(`/admin?q=${mark.slice(1).toUpperCase()}`)).text();
  const names = (html: string) => [...html.matchAll(/<bdi>([^<]*)<\/bdi>/g)].map((match) => match[1]);
  assert.equal(names(found).length, 25);
  assert.deepEqual(names(found), [...names(found)].sort());
  const [, more] = /class="quiet more" href="([^"]*)"/.exec(found) ?? [];
  const rest = await (
    await administrator.get((more ?? "").replaceAll("&#x3D;", "=").replaceAll("&amp;", "&"))
  ).text();
  assert.equal(names(rest).length, 5);
  assert.equal(new Set([...names(found), ...names(rest)]).size, 30);
  const nobody = await (await administrator.get("/admin?q=%25_nobody")).text();
  assert.deepEqual(names(nobody), []);
});

test("a disabled account is out at once on every node, and stays out until it is enabled", async () => {
  const person = await signUp(first);
  const phone = await logIn(second, person);
  const tabs = [await openTab(first, person), await openTab(second, phone)];
  const answer = await administrator.post(`/admin/users/${person.id}/disabling`, {
    ...{ disabled: "true", next: `/admin?q=${person.name}` },
  });
  assert.equal(answer.headers.get("location"), `/admin?q=${person.name}`);
  await eventually(() => tabs.every(({ socket }) => socket.disconnected), "every socket is cut", 1000);
  for (const device of [person, phone]) {
    assert.equal((await device.get("/")).headers.get("location"), "/login?next=%2F");
    const late = await connect(second, device).catch(() => null);
    await eventually(() => !late?.socket.connected, "a new socket is cut as well");
  }
  const right = await tryLogin(person.name, person.password, second);
  assert.equal(right.status, 403);
  assert.match(await right.text(), /This account is disabled\. Ask whoever runs this chat\./);
  const wrong = await tryLogin(person.name, "not the password");
  assert.equal(wrong.status, 401);
  assert.doesNotMatch(await wrong.text(), /disabled/, "only the right password is told");
  const page = await (await administrator.get(`/admin?q=${person.name}`)).text();
  assert.match(page, /Disabled/);
  await administrator.post(`/admin/users/${person.id}/disabling`, { disabled: "false" });
  assert.equal((await tryLogin(person.name, person.password)).status, 303);
  assert.equal((await person.get("/settings")).status, 303, "what was ended stays ended");
});

test("a login on its way while its account is disabled leads nowhere", async () => {
  const person = await signUp(first);
  const logins = Array.from({ length: 6 }, () => tryLogin(person.name, person.password, second));
  await administrator.post(`/admin/users/${person.id}/disabling`, { disabled: "true" });
  for (const response of await Promise.all(logins)) {
    const cookie = response.headers.getSetCookie().join("; ");
    assert.deepEqual(await (await request(first, cookie, "/session")).json(), { userId: null });
  }
});

test("ending somebody's sessions cuts all of them, and the person may log in again", async () => {
  const person = await signUp(first);
  const tabs = [await openTab(first, person), await openTab(second, await logIn(second, person))];
  assert.equal((await administrator.post(`/admin/users/${person.id}/revocation`, {})).status, 303);
  await eventually(() => tabs.every(({ socket }) => socket.disconnected), "every socket is cut", 1000);
  assert.equal((await person.get("/settings")).status, 303);
  assert.equal((await tryLogin(person.name, person.password)).status, 303);
});

test("the administrator's own account, and nobody's, cannot be touched from there", async () => {
  for (const id of [administrator.id, 999_999, "x", "0", "-1"]) {
    for (const act of [
      "disabling",
      "revocation",
      "reset",
      "reset/withdrawal",
      "two-step/deletion",
      "handover",
    ]) {
      const answer = await administrator.post(`/admin/users/${id}/${act}`, { disabled: "true" });
      assert.equal(answer.status, 404, `${act} of ${id}`);
    }
  }
  assert.equal((await administrator.get("/admin")).status, 200);
  const deletion = await administrator.post("/account/deletion", { password: administrator.password });
  assert.equal(deletion.status, 409);
  assert.match(await deletion.text(), /You are the administrator\./);
});

async function makeReset(id: number): Promise<string> {
  const page = await administrator.post(`/admin/users/${id}/reset`, {});
  assert.equal(page.status, 201);
  const html = await page.text();
  const [, link = ""] = /<input[^>]* id="link" value="([^"]*)"/.exec(html) ?? [];
  return new URL(link).pathname;
}

const NEW_PASSWORD = "seven herons over the weir";

test("a link for a new password works once, ends every session, and the old password is over", async () => {
  const person = await signUp(first);
  const path = await makeReset(person.id);
  const tab = await openTab(second, await logIn(second, person));
  const form = await request(second, "", path);
  assert.equal(form.status, 200);
  assert.match(form.headers.get("cache-control") ?? "", /no-store/);
  assert.match(await form.text(), new RegExp(person.name));
  const weak = await postForm(second, path, { newPassword: "password" });
  assert.equal(weak.status, 400);
  assert.ok(textOf(await weak.text(), "newPassword-note"));
  assert.equal((await person.get("/settings")).status, 200, "until then nothing has happened");
  const done = await postForm(second, path, { newPassword: NEW_PASSWORD });
  assert.equal(done.headers.get("location"), "/login");
  await eventually(() => tab.socket.disconnected, "the socket is cut", 1000);
  assert.equal((await person.get("/settings")).status, 303);
  assert.equal((await tryLogin(person.name, person.password)).status, 401);
  assert.equal((await tryLogin(person.name, NEW_PASSWORD)).status, 303);
  for (const node of [first, second]) {
    assert.equal((await request(node, "", path)).status, 404);
    assert.equal((await postForm(node, path, { newPassword: "another heron altogether" })).status, 404);
  }
  assert.ok(!first.output().includes(path) && !second.output().includes(path), "links are not logged");
});

test("of many who use a link at once one sets the password", async () => {
  const person = await signUp(first);
  const path = await makeReset(person.id);
  const chosen = Array.from({ length: 6 }, (_each, index) => `${index} herons over the weir`);
  const answers = await Promise.all(
    chosen.map((newPassword, index) => postForm(index % 2 ? first : second, path, { newPassword })),
  );
  const winner = answers.findIndex(({ status }) => status === 303);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, ...Array(5).fill(404)]);
  assert.equal((await tryLogin(person.name, chosen[winner] ?? "")).status, 303);
});

test("a newer link takes the place of the one before; one that is over or made up is 404", async () => {
  const person = await signUp(first);
  const before = await makeReset(person.id);
  const after = await makeReset(person.id);
  assert.equal((await postForm(first, before, { newPassword: NEW_PASSWORD })).status, 404);
  await first.rows("UPDATE password_resets SET expires_at = UTC_TIMESTAMP(3) WHERE user_id = ?", [person.id]);
  for (const path of [after, "/reset/made-up", `/reset/${"x".repeat(500)}`, "/reset/%00"]) {
    assert.equal((await request(first, "", path)).status, 404, path);
    assert.equal((await postForm(first, path, { newPassword: NEW_PASSWORD })).status, 404, path);
  }
  assert.equal((await tryLogin(person.name, person.password)).status, 303);
});

test("a link does not let a disabled account in", async () => {
  const person = await signUp(first);
  await administrator.post(`/admin/users/${person.id}/disabling`, { disabled: "true" });
  const path = await makeReset(person.id);
  await postForm(first, path, { newPassword: NEW_PASSWORD });
  assert.equal((await tryLogin(person.name, NEW_PASSWORD)).status, 403);
});

/** Whether a link still shows its form, and sets a password. */
async function assertDead(path: string, why: string): Promise<void> {
  for (const node of [first, second]) {
    assert.equal((await request(node, "", path)).status, 404, why);
    assert.equal((await postForm(node, path, { newPassword: "another heron altogether" })).status, 404, why);
  }
}

test("a link is over with whatever ends the sessions of its person", async () => {
  const ends: Record<string, (person: Person) => Promise<Response>> = {
    "a changed password": ({ post, password }) =>
      post("/password", { currentPassword: password, newPassword: NEW_PASSWORD }),
    "others' sessions ended": ({ post, password }) => post("/sessions/others/revocation", { password }),
    "a deleted account": ({ post, password }) => post("/account/deletion", { password }),
    "sessions ended by the administrator": ({ id }) =>
      administrator.post(`/admin/users/${id}/revocation`, {}),
    "a disabled account": ({ id }) =>
      administrator.post(`/admin/users/${id}/disabling`, { disabled: "true" }),
  };
  for (const [why, end] of Object.entries(ends)) {
    const person = await signUp(first);
    const path = await makeReset(person.id);
    assert.equal((await request(first, "", path)).status, 200);
    assert.equal((await end(person)).status, 303, why);
    await assertDead(path, why);
    await administrator.post(`/admin/users/${person.id}/disabling`, { disabled: "false" });
    await assertDead(path, why);
  }
});

test("a link that is used while its person changes the password does one or the other", async () => {
  const person = await signUp(first);
  const path = await makeReset(person.id);
  const chosen = { link: "by the link over the weir", form: "by the form over the weir" };
  const answers = await Promise.all([
    postForm(second, path, { newPassword: chosen.link }),
    person.post("/password", { currentPassword: person.password, newPassword: chosen.form }),
  ]);
  const done = answers.filter(({ status }) => status === 303).length;
  assert.equal(done, 1, answers.map(({ status }) => status).join());
  const password = answers[0].status === 303 ? chosen.link : chosen.form;
  assert.equal((await tryLogin(person.name, password)).status, 303);
});

test("a link can be withdrawn, once", async () => {
  const person = await signUp(first);
  const page = async () => (await administrator.get(`/admin?q=${person.name}`)).text();
  const offer = `action="/admin/users/${person.id}/reset/withdrawal"`;
  assert.ok(!(await page()).includes(offer), "there is none");
  const path = await makeReset(person.id);
  assert.ok((await page()).includes(offer));
  const withdraw = () => administrator.post(`/admin/users/${person.id}/reset/withdrawal`, {});
  assert.equal((await withdraw()).headers.get("location"), "/admin");
  await assertDead(path, "withdrawn");
  assert.equal((await withdraw()).status, 404);
  assert.ok(!(await page()).includes(offer));
  assert.equal((await person.get("/settings")).status, 200, "nothing else has happened");
});

test("the administrator turns somebody's second step off, which ends their sessions", async () => {
  const [person, plain] = [await signUp(first), await signUp(first)];
  const { recoveryCodes } = await turnTwoStepOn(person);
  const tab = await openTab(second, person);
  const half = await tryLogin(person.name, person.password);
  assert.equal(half.headers.get("location"), "/login/code");
  const page = async () => (await administrator.get(`/admin?q=${person.name}`)).text();
  const offer = `action="/admin/users/${person.id}/two-step/deletion"`;
  assert.ok((await page()).includes(offer));
  const removed = await administrator.post(`/admin/users/${person.id}/two-step/deletion`, {});
  assert.equal(removed.status, 303);
  await eventually(() => tab.socket.disconnected, "the socket is cut", 1000);
  assert.equal((await person.get("/settings")).status, 303);
  const [row] = await first.rows<{ version: number }>(
    "SELECT auth_version AS version FROM users WHERE id = ?",
    [person.id],
  );
  assert.equal(row?.version, 2, "so are sessions that no list knows of");
  for (const table of ["two_step", "recovery_codes"])
    assert.deepEqual(await first.rows(`SELECT * FROM ${table} WHERE user_id = ?`, [person.id]), []);
  const code = await postForm(
    first,
    "/login/code",
    { code: recoveryCodes[0] ?? "" },
    {
      cookie: cookiesOf(half),
    },
  );
  assert.equal(code.status, 403, "a login that was half done leads nowhere");
  assert.equal((await tryLogin(person.name, person.password)).headers.get("location"), "/");
  assert.ok(!(await page()).includes(offer));
  for (const { id } of [person, plain]) {
    const none = await administrator.post(`/admin/users/${id}/two-step/deletion`, {});
    assert.equal(none.status, 404, "it is off");
  }
});

test("what was done is in the audit log, with who did it and to whom", async () => {
  const person = await signUp(first);
  await administrator.post(`/admin/users/${person.id}/disabling`, { disabled: "true" });
  await administrator.post(`/admin/users/${person.id}/disabling`, { disabled: "false" });
  await administrator.post(`/admin/users/${person.id}/revocation`, {});
  await makeReset(person.id);
  await administrator.post(`/admin/users/${person.id}/reset/withdrawal`, {});
  await turnTwoStepOn(await logIn(first, person));
  await administrator.post(`/admin/users/${person.id}/two-step/deletion`, {});
  const line = (event: string) =>
    first
      .output()
      .split("\n")
      .find((each) => each.includes(`event="${event}"`) && each.includes(`userId=${person.id}`));
  const events = ["user_disabled", "user_enabled", "sessions_revoked", "reset_link_made"];
  for (const event of [...events, "reset_link_withdrawn", "two_step_removed"]) {
    await eventually(() => line(event) !== undefined, event);
    assert.match(line(event) ?? "", new RegExp(`actorId=${administrator.id}`));
  }
});
