import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm, textOf } from "../support/forms.ts";
import { connect, cookiesOf, logIn, newName, type Person, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionIdOf, sessionKeyOf } from "../support/redis.ts";
import { beginTwoStep, codeOf, keyOn, recoveryCodesOn, turnTwoStepOn } from "../support/two-step.ts";

const causerie = await startCauserie({
  ...{ LIMIT_CODE_PER_USER: "1000/15m", LIMIT_CODE_PER_USER_ANYWHERE: "1000/15m" },
});
const redis = await openTestRedis(causerie);

/** The first step: name and password are right. Returns the cookies of a login that is half done. */
async function half({ name, password }: Person, fields: Record<string, string> = {}): Promise<string> {
  const response = await postForm(causerie, "/login", { username: name, password, ...fields });
  assert.equal(response.headers.get("location"), "/login/code");
  return cookiesOf(response);
}

const second = (cookie: string, code: string, on = causerie) =>
  postForm(on, "/login/code", { code }, { cookie });

test("setting up takes the password, shows a QR code and the key as text, and nothing is on before a code", async () => {
  const person = await signUp(causerie);
  const wrong = await person.post("/two-step", { password: "wrong password" });
  assert.equal(wrong.status, 403);
  assert.equal(textOf(await wrong.text(), "password-note"), "This is not your password.");
  const secret = await beginTwoStep(person);
  const html = await (await person.get("/two-step")).text();
  assert.equal(secret.length, 32);
  assert.match(html, /<svg class="qr" viewBox="0 0 \d+ \d+"[^>]*role="img" aria-label="QR code/);
  assert.doesNotMatch(html, /style=/, "nothing that the content security policy forbids");
  assert.match(html, new RegExp(`otpauth://totp/Causerie:${person.name}\\?[^"]*secret&#x3D;${secret}`));
  assert.equal((await logIn(causerie, person)).id, person.id, "one step is still enough");
});

test("a code turns it on, and the recovery codes are shown once", async () => {
  const person = await signUp(causerie);
  const secret = await beginTwoStep(person);
  for (const code of ["", "000000", "12345", "abcdef", codeOf(secret, 5)]) {
    const refused = await person.post("/two-step/confirmation", { code });
    assert.equal(refused.status, 403, code);
    const html = await refused.text();
    assert.equal(textOf(html, "code-note"), "This code is wrong, too old, or was used before.");
    assert.equal(keyOn(html), secret, "the same key to try again");
  }
  const response = await person.post("/two-step/confirmation", { code: codeOf(secret) });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const codes = recoveryCodesOn(await response.text());
  assert.equal(new Set(codes).size, 10);
  assert.ok(codes.every((code) => /^[a-z02-9]{4}(-[a-z02-9]{4}){3}$/.test(code)));
  const page = await (await person.get("/two-step")).text();
  assert.match(page, /You have 10 recovery codes left/);
  for (const hidden of [secret, ...codes]) assert.ok(!page.includes(hidden), "never again");
  assert.equal((await person.post("/two-step/confirmation", { code: codeOf(secret, 1) })).status, 404);
  assert.equal((await person.post("/two-step", { password: person.password })).status, 409);
});

test("neither the secret nor a recovery code can be read in the database, nor used in another row", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  const { secret, recoveryCodes } = await turnTwoStepOn(person);
  await turnTwoStepOn(other);
  const [row] = await causerie.rows<{ secret: Buffer }>("SELECT secret FROM two_step WHERE user_id = ?", [
    person.id,
  ]);
  assert.ok(row && row.secret.length === 48);
  const hashes = await causerie.rows<{ code_hash: Buffer }>(
    "SELECT code_hash FROM recovery_codes WHERE user_id = ?",
    [person.id],
  );
  assert.equal(hashes.length, 10);
  const stored = Buffer.concat([row.secret, ...hashes.map((each) => each.code_hash)]).toString("latin1");
  for (const text of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll("-", ""))]) {
    assert.ok(!stored.includes(text));
  }
  await causerie.rows("UPDATE two_step SET secret = ? WHERE user_id = ?", [row.secret, other.id]);
  const cookie = await half(other);
  assert.equal((await second(cookie, codeOf(secret))).status, 503, "sealed for its own person");
});

test("logging in takes password and code, and goes where one wanted to go", async () => {
  const person = await signUp(causerie);
  const { secret } = await turnTwoStepOn(person);
  const cookie = await half(person, { next: "/settings" });
  const page = await (await request(causerie, cookie, "/login/code")).text();
  assert.match(page, /<label for="code">Code<\/label>/);
  assert.match(page, /<input[^>]*name="code"[^>]*autocomplete="one-time-code"/);
  const response = await second(cookie, ` ${codeOf(secret).replace(/(...)/, "$1 ")} `);
  assert.equal(response.status, 303);
  assert.equal(response.headers.get("location"), "/settings");
  const whole = cookiesOf(response);
  assert.notEqual(sessionIdOf(whole), sessionIdOf(cookie));
  assert.equal((await request(causerie, whole, "/")).status, 200);
  assert.equal(await redis.exists(sessionKeyOf(causerie, cookie)), 0);
});

test("a login that is half done opens no page, no socket and no form, and runs out", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  await turnTwoStepOn(person);
  const cookie = await half(person);
  for (const path of [
    "/",
    "/settings",
    "/sessions",
    "/two-step",
    "/password",
    `/chat/${other.id}`,
    "/seen.gif",
  ]) {
    const page = await request(causerie, cookie, path);
    assert.equal(page.headers.get("location"), `/login?next=${encodeURIComponent(path)}`, path);
  }
  assert.deepEqual(await (await request(causerie, cookie, "/session")).json(), { userId: null });
  await assert.rejects(connect(causerie, { cookie }), /unauthorized/);
  for (const [path, fields] of Object.entries({
    [`/chat/${other.id}/messages`]: { message: "hello" },
    "/password": { currentPassword: person.password, newPassword: "another long password" },
    "/two-step/deletion": { password: person.password, code: "123456" },
    "/account/deletion": { password: person.password },
  })) {
    assert.equal((await postForm(causerie, path, fields, { cookie })).status, 401, path);
  }
  const left = await redis.pTTL(sessionKeyOf(causerie, cookie));
  assert.ok(left > 0 && left <= 600_000, `${left} ms`);
  await request(causerie, cookie, "/login/code");
  assert.ok(
    (await redis.pTTL(sessionKeyOf(causerie, cookie))) <= left,
    "looking at the page gives no more time",
  );
  await redis.del(sessionKeyOf(causerie, cookie));
  assert.equal((await request(causerie, cookie, "/login/code")).headers.get("location"), "/login");
  assert.equal((await second(cookie, "123456")).headers.get("location"), "/login");
});

test("whoever was signed in in that browser is out with the first step", async () => {
  const [before, person] = [await signUp(causerie), await signUp(causerie)];
  await turnTwoStepOn(person);
  const { name: username, password } = person;
  await postForm(causerie, "/login", { username, password }, { cookie: before.cookie });
  assert.equal((await before.get("/")).status, 303);
});

test("a code works once, on whichever node, also when it is sent many times at once", async () => {
  const node = await causerie.another();
  const person = await signUp(causerie);
  const { secret } = await turnTwoStepOn(person);
  const cookies = await Promise.all(Array.from({ length: 6 }, () => half(person)));
  const code = codeOf(secret);
  const answers = await Promise.all(
    cookies.map((cookie, index) => second(cookie, code, index % 2 ? node : causerie)),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 403, 403, 403, 403, 403]);
  const again = await half(person);
  assert.equal((await second(again, code)).status, 403);
  assert.equal((await second(again, codeOf(secret, -1))).status, 403, "nor does one of before it");
  assert.equal((await second(again, codeOf(secret, 1))).status, 303, "the next one does");
  await node.stop();
});

test("codes of two half minutes away are refused, those of one are taken", async () => {
  const person = await signUp(causerie);
  const { secret } = await turnTwoStepOn(person);
  const cookie = await half(person);
  for (const steps of [-3, 3]) assert.equal((await second(cookie, codeOf(secret, steps))).status, 403);
  assert.equal((await second(cookie, codeOf(secret, 1))).status, 303);
});

test("a recovery code works once, however it is typed, also when it is sent many times at once", async () => {
  const person = await signUp(causerie);
  const { recoveryCodes } = await turnTwoStepOn(person);
  const [one = "", two = ""] = recoveryCodes;
  const cookies = await Promise.all(Array.from({ length: 4 }, () => half(person)));
  const answers = await Promise.all(cookies.map((cookie) => second(cookie, one)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [303, 403, 403, 403]);
  assert.equal((await second(await half(person), ` ${two.replaceAll("-", " ").toUpperCase()}`)).status, 303);
  assert.match(await (await person.get("/two-step")).text(), /You have 8 recovery codes left/);
  const stranger = await signUp(causerie);
  await turnTwoStepOn(stranger);
  assert.equal((await second(await half(stranger), recoveryCodes[2] ?? "")).status, 403, "only its person's");
});

test("guesses of codes are limited for each account, right ones do not count", async () => {
  const strict = await causerie.another({ LIMIT_CODE_PER_USER: "3/15m" });
  const person = await signUp(strict);
  const { secret, recoveryCodes } = await turnTwoStepOn(person);
  for (const code of recoveryCodes.slice(0, 5))
    assert.equal((await second(await half(person), code, strict)).status, 303);
  for (const code of ["000000", "aaaa-aaaa-aaaa-aaaa", ""]) {
    assert.equal((await second(await half(person), code, strict)).status, 403);
  }
  const told = await second(await half(person), codeOf(secret), strict);
  assert.equal(told.status, 429);
  assert.ok(Number(told.headers.get("retry-after")) > 0);
  assert.deepEqual(told.headers.getSetCookie(), []);
  await strict.stop();
});

test("a password that was changed between the steps ends the login", async () => {
  const person = await signUp(causerie);
  const { secret, recoveryCodes } = await turnTwoStepOn(person);
  const cookie = await half(person);
  const code = recoveryCodes[0] ?? "";
  const change = { currentPassword: person.password, newPassword: "another long password", code };
  assert.equal((await person.post("/password", change)).status, 303);
  const response = await second(cookie, codeOf(secret));
  assert.equal(
    (await request(causerie, cookiesOf(response), "/")).headers.get("location"),
    "/login?next=%2F",
  );
});

test("changing the password, deleting the account, new codes and turning it off take both", async () => {
  const person = await signUp(causerie);
  const { recoveryCodes } = await turnTwoStepOn(person);
  const password = person.password;
  const forms: Record<string, Record<string, string>> = {
    "/password": { currentPassword: password, newPassword: "another long password" },
    "/two-step/recovery-codes": { password },
    "/two-step/deletion": { password },
    "/account/deletion": { password },
  };
  for (const [path, fields] of Object.entries(forms)) {
    assert.match(await (await person.get(path)).text(), /<input[^>]*name="code"/, path);
    for (const code of ["", "000000"]) {
      const refused = await person.post(path, { ...fields, code });
      assert.equal(refused.status, 403, path);
      assert.match(textOf(await refused.text(), "code-note") ?? "", /^This code is wrong/);
    }
    const [name] = Object.keys(fields);
    const wrong = { ...fields, [name ?? ""]: "wrong password", code: recoveryCodes[0] ?? "" };
    assert.equal((await person.post(path, wrong)).status, 403, path);
  }
  const unfit = { currentPassword: password, newPassword: "short", code: recoveryCodes[0] ?? "" };
  assert.equal((await person.post("/password", unfit)).status, 400);
  assert.match(
    await (await person.get("/two-step")).text(),
    /You have 10 recovery codes left/,
    "none was used up",
  );
});

test("turning it off makes one step enough again and leaves nothing behind", async () => {
  const person = await signUp(causerie);
  const { secret } = await turnTwoStepOn(person);
  const response = await person.post("/two-step/deletion", {
    password: person.password,
    code: codeOf(secret),
  });
  assert.equal(response.headers.get("location"), "/two-step");
  assert.equal((await logIn(causerie, person)).id, person.id);
  for (const table of ["two_step", "recovery_codes"]) {
    assert.deepEqual(await causerie.rows(`SELECT * FROM ${table} WHERE user_id = ?`, [person.id]), []);
  }
});

test("new recovery codes take the place of those of before", async () => {
  const person = await signUp(causerie);
  const { recoveryCodes } = await turnTwoStepOn(person);
  const [used = "", old = ""] = recoveryCodes;
  const response = await person.post("/two-step/recovery-codes", { password: person.password, code: used });
  const [fresh = ""] = recoveryCodesOn(await response.text());
  const cookie = await half(person);
  assert.equal((await second(cookie, old)).status, 403);
  assert.equal((await second(cookie, fresh)).status, 303);
});

test("a deleted account leaves no secret and no code", async () => {
  const person = await signUp(causerie);
  const { recoveryCodes } = await turnTwoStepOn(person);
  const proof = { password: person.password, code: recoveryCodes[0] ?? "" };
  assert.equal((await person.post("/account/deletion", proof)).headers.get("location"), "/login");
  for (const table of ["two_step", "recovery_codes"]) {
    assert.deepEqual(await causerie.rows(`SELECT * FROM ${table} WHERE user_id = ?`, [person.id]), []);
  }
});

test("a key of one's own can be set later and changed, and every secret still opens", async () => {
  const person = await signUp(causerie);
  const { secret, recoveryCodes } = await turnTwoStepOn(person);
  const sealed = async () =>
    (await causerie.rows<{ secret: Buffer }>("SELECT secret FROM two_step WHERE user_id = ?", [person.id]))[0]
      ?.secret;
  const first = await sealed();
  const one = await causerie.another({ ENCRYPTION_KEY: "1".repeat(40) });
  assert.equal((await second(await half(person), codeOf(secret), one)).status, 303);
  const anew = await sealed();
  assert.notDeepEqual(anew, first, "sealed anew under the new key");
  const both = await causerie.another({ ENCRYPTION_KEY: `${"2".repeat(40)},${"1".repeat(40)}` });
  assert.equal((await second(await half(person), codeOf(secret, 1), both)).status, 303);
  assert.notDeepEqual(await sealed(), anew);
  const lost = await second(await half(person), codeOf(secret, 1));
  assert.equal(lost.status, 503, "without the key nothing opens");
  const told = "Codes from your app cannot be checked at the moment.";
  assert.ok(textOf(await lost.text(), "code-note")?.startsWith(told));
  assert.match(causerie.output(), /no ENCRYPTION_KEY opens a secret of two-step login/);
  assert.equal(
    (await second(await half(person), recoveryCodes[0] ?? "")).status,
    303,
    "a recovery code helps",
  );
  for (const node of [one, both]) await node.stop();
});

test("a set-up that was sealed under a key that is lost begins anew", async () => {
  const person = await signUp(causerie);
  const other = await causerie.another({ ENCRYPTION_KEY: "3".repeat(40) });
  await postForm(other, "/two-step", { password: person.password }, { cookie: person.cookie });
  const key = keyOn(await (await request(other, person.cookie, "/two-step")).text());
  await other.stop();
  const page = await person.get("/two-step");
  assert.equal(page.status, 200);
  assert.match(await page.text(), /<button class="button">Set up<\/button>/);
  const refused = await person.post("/two-step/confirmation", { code: codeOf(key) });
  assert.equal(refused.status, 404);
  assert.match(await refused.text(), /role="alert">No set-up is under way any more\. Please begin anew\./);
  assert.equal((await turnTwoStepOn(person)).recoveryCodes.length, 10);
});

test("a set-up that was begun ends after a quarter of an hour", async () => {
  const person = await signUp(causerie);
  const secret = await beginTwoStep(person);
  const age = (minutes: number) =>
    causerie.rows("UPDATE two_step SET begun_at = UTC_TIMESTAMP(3) - INTERVAL ? MINUTE WHERE user_id = ?", [
      ...[minutes, person.id],
    ]);
  await age(14);
  assert.equal(keyOn(await (await person.get("/two-step")).text()), secret);
  await age(15);
  assert.doesNotMatch(await (await person.get("/two-step")).text(), /class="secret"/);
  const late = await person.post("/two-step/confirmation", { code: codeOf(secret) });
  assert.equal(late.status, 404);
  assert.match(await late.text(), /role="alert">No set-up is under way any more\. Please begin anew\./);
  assert.equal((await logIn(causerie, person)).id, person.id, "nothing is on");
  assert.notEqual(await beginTwoStep(person), secret);
  const { recoveryCodes } = await turnTwoStepOn(person);
  await age(1000);
  assert.equal((await second(await half(person), recoveryCodes[0] ?? "")).status, 303, "what is on stays on");
});

test("the audit log tells of each step and change, without codes, keys or secrets", async () => {
  const person = await signUp(causerie, newName());
  const { secret, recoveryCodes } = await turnTwoStepOn(person);
  const [one = "", two = ""] = recoveryCodes;
  const cookie = await half(person);
  await second(cookie, "000000");
  await second(cookie, one);
  await person.post("/two-step/deletion", { password: person.password, code: two });
  const lines = causerie
    .output()
    .split("\n")
    .filter((line) => line.includes(`userId=${person.id} `));
  const events = [
    "two_step_enabled",
    "two_step_started",
    "two_step_failed",
    "recovery_code_used",
    "two_step_disabled",
  ];
  for (const event of [...events, '"login"'])
    assert.ok(
      lines.some((line) => line.includes(event)),
      event,
    );
  for (const hidden of [secret, ...recoveryCodes]) assert.ok(!causerie.output().includes(hidden));
});

test("the second step's page comes back with the reason, and without what was typed", async () => {
  const person = await signUp(causerie);
  await turnTwoStepOn(person);
  const response = await second(await half(person), "not a code");
  const html = await response.text();
  assert.equal(textOf(html, "code-note"), "This code is wrong, too old, or was used before.");
  assert.equal(fieldValue(html, "code"), "");
});
