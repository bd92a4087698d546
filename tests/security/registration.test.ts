import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type Outcome, REGISTRATION_ACCESS } from "../../src/platform/access.ts";
import { readConfig } from "../../src/platform/config.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { cookiesOf, newName, request } from "../support/person.ts";

/** Every mode of registration, as the table has it. */
const nodes: Record<string, Causerie> = {};
for (const mode of Object.keys(REGISTRATION_ACCESS))
  nodes[mode] = await startCauserie({ REGISTRATION: mode });

test("every mode that the setting takes is in the table, and nothing else is", () => {
  try {
    readConfig({ REGISTRATION: "none of them" });
    assert.fail("it takes anything");
  } catch (error) {
    const modes = [...String(error).matchAll(/"(\w+)"/g)].map(([, mode]) => mode);
    assert.deepEqual(modes, Object.keys(REGISTRATION_ACCESS));
  }
});

/** What somebody gets who registers, and who opens the page for it before. */
async function outcomes(node: Causerie, invitation: string): Promise<[page: Outcome, form: Outcome]> {
  const page = await request(node, "", invitation === "" ? "/register" : `/invitation/${invitation}`);
  const fields = { username: newName(), password: `of ${randomUUID()}`, invitation };
  const form = await postForm(node, "/register", fields);
  return [outcomeOf(page.status), outcomeOf(form.status)];
}

const outcomeOf = (status: number): Outcome => (status < 400 ? "yes" : status === 403 ? "403" : "404");

async function newInvitation(node: Causerie): Promise<string> {
  const token = randomUUID();
  await node.rows(
    `INSERT INTO invitations (token_hash, note, made_by, created_at, expires_at)
     SELECT UNHEX(SHA2(?, 256)), '', id, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL 1 DAY
     FROM users WHERE administrator = 1`,
    [token],
  );
  return token;
}

for (const [mode, access] of Object.entries(REGISTRATION_ACCESS)) {
  test(`with REGISTRATION=${mode} each gets in as the table says`, async () => {
    const node = nodes[mode];
    assert.ok(node);
    const both = (outcome: Outcome) => [outcome, outcome];
    assert.deepEqual(await outcomes(node, ""), both(access.first), "the first of all");
    assert.deepEqual(await outcomes(node, ""), both(access.uninvited), "without an invitation");
    assert.deepEqual(await outcomes(node, await newInvitation(node)), both(access.invited), "with one");
  });
}

test("fields that no form has change nothing of an account", async () => {
  const { open } = nodes;
  assert.ok(open);
  const username = newName();
  const strange = {
    ...{ id: "77", userId: "1", administrator: "1", auth_version: "9", authVersion: "9", disabled: "true" },
    ...{ disabled_at: "2020-01-01", password_hash: "x", usernameKey: "x", created_at: "2020-01-01" },
  };
  const fields = { username, password: `of ${randomUUID()}`, ...strange };
  const entered = await postForm(open, "/register", fields);
  assert.equal(entered.status, 303);
  const rowOf = () =>
    open.rows<Record<string, unknown>>(
      `SELECT username, administrator, auth_version AS version, disabled_at AS disabledAt, LENGTH(password_hash) AS hash,
         created_at > UTC_TIMESTAMP() - INTERVAL 1 HOUR AS fresh FROM users WHERE username = ?`,
      [username],
    );
  const before = await rowOf();
  const expected = { username, administrator: null, version: 1, disabledAt: null, hash: 60, fresh: 1 };
  assert.deepEqual(before, [expected]);
  const body = () => new URLSearchParams({ theme: "dark", username: "somebody else", ...strange });
  for (const path of ["/theme", "/locale", "/time-zone"])
    await request(open, cookiesOf(entered), path, { method: "POST", body: body() });
  assert.deepEqual(await rowOf(), before);
});
