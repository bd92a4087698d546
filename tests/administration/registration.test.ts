import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm, textOf } from "../support/forms.ts";
import { cookiesOf, logIn, newName, request, signUp } from "../support/person.ts";

/** Who may register, on two nodes that share one chat. */
const invite = await startCauserie({ REGISTRATION: "invite" });
const inviteToo = await invite.another();
const PASSWORD = "a bicycle under the pear tree";

const administrators = () =>
  invite.rows<{ id: number; username: string }>("SELECT id, username FROM users WHERE administrator = 1");

function register(node: typeof invite, invitation = "", username = newName()): Promise<Response> {
  return postForm(node, "/register", { username, password: PASSWORD, invitation });
}

test("the start says that the first account is the administrator's", async () => {
  assert.match(invite.output(), /Nobody has registered yet\. .* make it at http:\/\/\S+\/register/);
});

test("of many who register first at once one gets in, as the administrator", async () => {
  const nodes = Array.from({ length: 8 }, (_each, index) => (index % 2 ? invite : inviteToo));
  const statuses = (await Promise.all(nodes.map((node) => register(node)))).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [303, ...Array(7).fill(403)]);
  assert.equal((await administrators()).length, 1);
  const [count] = await invite.rows<{ n: number }>("SELECT COUNT(*) AS n FROM users");
  assert.equal(count?.n, 1, "of the others nothing is stored");
});

async function administrator() {
  const [first] = await administrators();
  return logIn(invite, { name: first?.username ?? "", password: PASSWORD });
}

/** Makes an invitation on the page and returns the link shown there. */
async function makeInvitation(note = ""): Promise<string> {
  const page = await (await administrator()).post("/admin/invitations", { note });
  assert.equal(page.status, 201);
  const html = await page.text();
  const link = /<input[^>]* id="link" value="([^"]*)"/.exec(html)?.[1]?.replaceAll("&#x3D;", "=") ?? "";
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/invitation\/[\w-]{43}$/);
  return link;
}
const tokenIn = (link: string) => link.split("/").at(-1) ?? "";

test("without an invitation nobody gets in, and no page offers it", async () => {
  const page = await request(invite, "", "/register");
  assert.equal(page.status, 403);
  assert.match(await page.text(), /Registration is by invitation\. Ask whoever runs this chat for a link\./);
  assert.equal((await register(invite)).status, 403);
  assert.doesNotMatch(await (await request(invite, "", "/login")).text(), /href="\/register"/);
});

test("an invitation lets one person in, on any node, and is then used up", async () => {
  const link = await makeInvitation("for Noor");
  const path = new URL(link).pathname;
  const form = await request(inviteToo, "", path);
  assert.equal(form.status, 200);
  assert.match(form.headers.get("cache-control") ?? "", /no-store/);
  const html = await form.text();
  assert.equal(fieldValue(html, "invitation"), tokenIn(link), "looking uses nothing up");
  const short = await postForm(inviteToo, "/register", {
    ...{ username: newName(), password: "short", invitation: tokenIn(link) },
  });
  assert.equal(short.status, 400);
  assert.equal(fieldValue(await short.text(), "invitation"), tokenIn(link), "a mistake costs nothing");
  const before = await administrators();
  assert.equal((await register(inviteToo, tokenIn(link))).status, 303);
  assert.deepEqual(await administrators(), before);
  const again = await register(invite, tokenIn(link));
  assert.equal(again.status, 403);
  assert.match(textOf(await again.text(), "main") ?? "", /This invitation was used or withdrawn/);
  assert.equal((await request(invite, "", path)).status, 403);
});

test("of many who use an invitation at once one gets in", async () => {
  const token = tokenIn(await makeInvitation());
  const tries = Array.from({ length: 6 }, (_each, index) => register(index % 2 ? invite : inviteToo, token));
  const statuses = (await Promise.all(tries)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [303, ...Array(5).fill(403)]);
});

test("an invitation that is withdrawn, over or made up is worth nothing", async () => {
  const [withdrawn, over] = [tokenIn(await makeInvitation("for Ada")), tokenIn(await makeInvitation())];
  await invite.rows(
    "UPDATE invitations SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND WHERE token_hash = UNHEX(SHA2(?, 256))",
    [over],
  );
  const visitor = await administrator();
  const page = await (await visitor.get("/admin")).text();
  const [, id] = /action="\/admin\/invitations\/(\d+)\/withdrawal"><button[^>]*for Ada"/.exec(page) ?? [];
  assert.equal((await visitor.post(`/admin/invitations/${id}/withdrawal`, {})).status, 303);
  assert.doesNotMatch(await (await visitor.get("/admin")).text(), /for Ada/);
  for (const token of [withdrawn, over, "made-up", "", "x".repeat(200), "%00"]) {
    const { status } = await register(invite, token);
    assert.ok(status === 403 || (token.length > 100 && status === 400), `${token}: ${status}`);
  }
});

test("only a digest of an invitation is stored, and it lasts a week", async () => {
  const token = tokenIn(await makeInvitation("for <b>Zoé</b>"));
  const [row] = await invite.rows<{ hours: number; found: number }>(
    `SELECT TIMESTAMPDIFF(HOUR, created_at, expires_at) AS hours, token_hash = UNHEX(SHA2(?, 256)) AS found
     FROM invitations WHERE note = 'for <b>Zoé</b>'`,
    [token],
  );
  assert.ok(row && row.found === 1 && row.hours >= 167 && row.hours <= 168);
  const dump = JSON.stringify(await invite.rows("SELECT *, HEX(token_hash) FROM invitations"));
  assert.ok(!dump.includes(token));
  assert.ok(!invite.output().includes(token), "nor is it logged");
  assert.match(await (await (await administrator()).get("/admin")).text(), /for &lt;b&gt;Zoé/);
});

test("where registration is closed nobody gets in but the first", async () => {
  const closed = await startCauserie({ REGISTRATION: "closed" });
  assert.equal((await request(closed, "", "/register")).status, 200);
  const owner = await signUp(closed);
  assert.equal((await owner.get("/admin")).status, 200);
  const page = await request(closed, "", "/register");
  assert.equal(page.status, 403);
  assert.match(await page.text(), /Nobody can register here\./);
  assert.equal((await register(closed)).status, 403);
  assert.equal((await register(closed, "made-up")).status, 403);
  assert.equal((await request(closed, "", "/invitation/made-up")).status, 403);
  const french = await request(closed, "", "/register", { headers: { "accept-language": "fr" } });
  assert.match(await french.text(), /Personne ne peut s’inscrire ici\./);
  assert.equal((await logIn(closed, owner)).id, owner.id);
  await closed.stop();
  const again = await closed.another({ REGISTRATION: "closed" });
  assert.match(again.output(), /Registration is closed\./);
});

test("where registration is open it stays so, and the first is the administrator there as well", async () => {
  const open = await startCauserie();
  const [one, two] = [await signUp(open), await signUp(open)];
  assert.equal((await one.get("/admin")).status, 200);
  assert.equal((await two.get("/admin")).status, 404);
  assert.match(await (await request(open, "", "/login")).text(), /href="\/register"/);
  const response = await register(open, "made-up");
  assert.equal(response.status, 303, "an invitation is not looked at");
  assert.match(cookiesOf(response), /causerie=/);
});
