import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { textOf } from "../support/forms.ts";
import { newName, type Person, request, signUp } from "../support/person.ts";
import { turnTwoStepOn } from "../support/two-step.ts";

/** How the administration goes from one to another. Whoever has it is `holder`. */
const causerie = await startCauserie();
let holder = await signUp(causerie, newName("admin"));

const pathTo = ({ id }: Person) => `/admin/users/${id}/handover`;
const administrators = async () =>
  (await causerie.rows<{ id: number }>("SELECT id FROM users WHERE administrator = 1")).map(({ id }) => id);

/** Hands over as it should be done. */
async function handTo(heir: Person, code = ""): Promise<Response> {
  const answer = await holder.post(pathTo(heir), { password: holder.password, code });
  if (answer.status === 303) holder = heir;
  return answer;
}

test("the administration goes to another person, with the password, and one is it no more", async () => {
  const [heir, before] = [await signUp(causerie), holder];
  const list = await (await holder.get(`/admin?q=${heir.name}`)).text();
  assert.ok(list.includes(`href="${pathTo(heir)}"`));
  const form = await (await holder.get(pathTo(heir))).text();
  assert.match(form, new RegExp(`${heir.name} becomes the administrator, and you are one no more\\.`));
  const answer = await handTo(heir);
  assert.equal(answer.headers.get("location"), "/settings");
  assert.deepEqual(await administrators(), [heir.id]);
  assert.equal((await heir.get("/admin")).status, 200);
  assert.equal((await before.get("/admin")).status, 404);
  assert.doesNotMatch(await (await before.get("/settings")).text(), /href="\/admin"/);
  assert.match(await (await heir.get("/settings")).text(), /href="\/admin"/);
  const deletion = await before.post("/account/deletion", { password: before.password });
  assert.equal(deletion.headers.get("location"), "/login", "the account may be deleted now");
  const line = causerie
    .output()
    .split("\n")
    .find((each) => each.includes("administration_handed_over"));
  assert.match(line ?? "", new RegExp(`userId=${heir.id}`));
  assert.match(line ?? "", new RegExp(`actorId=${before.id}`));
});

test("a wrong password hands nothing over, and stands in the audit log", async () => {
  const heir = await signUp(causerie);
  for (const password of ["", "wrong password", heir.password]) {
    const refused = await holder.post(pathTo(heir), { password });
    assert.equal(refused.status, 403);
    assert.equal(textOf(await refused.text(), "password-note"), "This is not your password.");
  }
  assert.deepEqual(await administrators(), [holder.id]);
  assert.match(causerie.output(), /handover_failed/);
});

test("where the administrator's login takes two steps, it takes a code as well", async () => {
  const heir = await signUp(causerie);
  const { recoveryCodes } = await turnTwoStepOn(holder);
  assert.match(await (await holder.get(pathTo(heir))).text(), /<input[^>]*name="code"/);
  assert.equal((await handTo(heir, "000000")).status, 403);
  assert.deepEqual(await administrators(), [holder.id]);
  assert.equal((await handTo(heir, recoveryCodes[0] ?? "")).status, 303);
  assert.deepEqual(await administrators(), [heir.id]);
});

test("nobody else hands it over, and it goes to nobody who is disabled, gone or oneself", async () => {
  const [person, heir] = [await signUp(causerie), await signUp(causerie)];
  for (const cookie of ["", person.cookie]) {
    assert.equal((await request(causerie, cookie, pathTo(heir))).status, 404);
    const body = new URLSearchParams({ password: person.password });
    assert.equal((await request(causerie, cookie, pathTo(person), { method: "POST", body })).status, 404);
  }
  await heir.post("/account/deletion", { password: heir.password });
  for (const nobody of [heir, holder, { ...heir, id: 999_999 }])
    assert.equal((await handTo(nobody)).status, 404);
  await holder.post(`/admin/users/${person.id}/disabling`, { disabled: "true" });
  assert.ok(!(await (await holder.get(`/admin?q=${person.name}`)).text()).includes(pathTo(person)));
  assert.equal((await handTo(person)).status, 409);
  assert.deepEqual(await administrators(), [holder.id]);
});

test("of two who are given it at once one has it; whoever deletes their account meanwhile leaves nobody without", async () => {
  const heirs = [await signUp(causerie), await signUp(causerie), await signUp(causerie)];
  const answers = await Promise.all([
    ...heirs.map((heir) => holder.post(pathTo(heir), { password: holder.password })),
    ...heirs.map((heir) => heir.post("/account/deletion", { password: heir.password })),
  ]);
  const [now] = await causerie.rows<{ id: number; username: string }>(
    "SELECT id, username FROM users WHERE administrator = 1",
  );
  assert.ok(now && now.username !== "", answers.map(({ status }) => status).join());
  assert.equal((await administrators()).length, 1);
});
