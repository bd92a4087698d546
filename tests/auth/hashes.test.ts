import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { logIn, type Person, signUp } from "../support/person.ts";

/** What becomes of stored hashes when the setting of their cost changes. */
const causerie = await startCauserie({ BCRYPT_COST: "4" });
const dearer = await causerie.another({ BCRYPT_COST: "6" });

const stored = async ({ id }: Person) => {
  const rows = await causerie.rows<{ hash: string; version: number }>(
    "SELECT password_hash AS hash, auth_version AS version FROM users WHERE id = ?",
    [id],
  );
  return rows[0] ?? { hash: "", version: 0 };
};

const tryLogin = (node: typeof causerie, username: string, password: string) =>
  postForm(node, "/login", { username, password });

test("a right password is hashed anew at the cost that is set now, up or down, and every session stays", async () => {
  const person = await signUp(causerie);
  const before = await stored(person);
  assert.match(before.hash, /^\$2b\$04\$/);
  await logIn(dearer, person);
  const raised = await stored(person);
  assert.match(raised.hash, /^\$2b\$06\$/);
  assert.equal(raised.version, before.version);
  assert.equal((await person.get("/settings")).status, 200);
  await logIn(dearer, person);
  assert.deepEqual(await stored(person), raised, "once is enough");
  await logIn(causerie, person);
  assert.match((await stored(person)).hash, /^\$2b\$04\$/);
  await logIn(causerie, person);
});

test("a wrong password, and a disabled account, leave the hash as it is", async () => {
  const person = await signUp(causerie);
  const before = await stored(person);
  assert.equal((await tryLogin(dearer, person.name, "not the password")).status, 401);
  await causerie.rows("UPDATE users SET disabled_at = UTC_TIMESTAMP(3) WHERE id = ?", [person.id]);
  assert.equal((await tryLogin(dearer, person.name, person.password)).status, 403);
  assert.deepEqual(await stored(person), before);
});

test("a password that is changed while the old one is hashed anew stays changed", async () => {
  const slow = await causerie.another({ BCRYPT_COST: "11" });
  const person = await signUp(causerie);
  const login = tryLogin(slow, person.name, person.password);
  const newPassword = "seven herons over the weir";
  const changed = await person.post("/password", { currentPassword: person.password, newPassword });
  assert.equal(changed.status, 303);
  const { hash } = await stored(person);
  await login;
  assert.equal((await stored(person)).hash, hash);
  assert.equal((await tryLogin(causerie, person.name, person.password)).status, 401);
  assert.equal((await tryLogin(causerie, person.name, newPassword)).status, 303);
  await slow.stop();
});

test("what is stored as a hash and is none lets nobody in", async () => {
  const person = await signUp(causerie);
  for (const hash of ["-", "$2b$99$x", ""]) {
    await causerie.rows("UPDATE users SET password_hash = ? WHERE id = ?", [hash, person.id]);
    for (const password of [person.password, hash, ""]) {
      assert.equal((await tryLogin(causerie, person.name, password)).status, 401, hash);
    }
  }
});
