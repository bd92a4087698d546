import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { postForm, postRaw } from "../support/forms.ts";
import { newName, request, signUp } from "../support/person.ts";

const causerie = await startCauserie();
const JSON_WANTED = { accept: "application/json" };
const PASSWORD = "a password that is long enough";

const userCount = async () => (await causerie.rows<{ n: number }>("SELECT COUNT(*) AS n FROM users"))[0]?.n;
/** A post with exactly these headers, as no browser of ours would send it. */
const bare = (headers: Record<string, string>, path = "/register") =>
  fetch(causerie.url + path, {
    ...{ method: "POST", redirect: "manual", headers },
    body: new URLSearchParams({ username: newName(), password: PASSWORD }),
  });

test("an unsafe request is refused unless the browser says that it comes from this site", async () => {
  const own = causerie.url;
  const refused: Record<string, string>[] = [
    {},
    { origin: "https://elsewhere.example" },
    { origin: "null" },
    { origin: "" },
    { origin: "not an address" },
    { origin: `${own}.elsewhere.example` },
    { origin: own.replace(/\d+$/, "1") },
    { origin: own, "sec-fetch-site": "cross-site" },
    { origin: own, "sec-fetch-site": "same-site" },
    { origin: own, "sec-fetch-site": "none" },
    { origin: own, "sec-fetch-site": "" },
    { referer: `${own}/register` },
  ];
  const before = await userCount();
  for (const headers of refused) {
    const response = await bare(headers);
    assert.equal(response.status, 403, JSON.stringify(headers));
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.match(await response.text(), /<h1>This is not allowed<\/h1>/);
  }
  assert.equal(await userCount(), before);
  const welcome: Record<string, string>[] = [
    { origin: own },
    { "sec-fetch-site": "same-origin" },
    { origin: "null", "sec-fetch-site": "same-origin" },
  ];
  for (const headers of welcome) {
    assert.equal((await bare(headers)).status, 303, JSON.stringify(headers));
  }
});

test("every unsafe route and method is guarded the same, with a session as well", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  const paths = [
    "/login",
    "/logout",
    "/theme",
    "/locale",
    "/time-zone",
    `/chat/${other.id}/messages`,
    "/nowhere",
  ];
  for (const path of paths) {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const headers = { cookie: person.cookie, origin: "https://elsewhere.example" };
      const response = await fetch(causerie.url + path, { method, headers, redirect: "manual" });
      assert.equal(response.status, 403, `${method} ${path}`);
    }
  }
  assert.equal((await person.get("/")).status, 200, "still signed in");
  assert.deepEqual(await causerie.rows("SELECT * FROM messages"), []);
});

test("what is not here answers 404, with a way back, in words or as data", async () => {
  const person = await signUp(causerie);
  for (const cookie of ["", person.cookie]) {
    const page = await request(causerie, cookie, "/nowhere");
    assert.equal(page.status, 404);
    const html = await page.text();
    assert.match(html, /<h1>There is nothing here<\/h1>/);
    assert.match(html, /<a class="button" href="\/">Back to the chat<\/a>/);
    const data = await request(causerie, cookie, "/nowhere", { headers: JSON_WANTED });
    assert.equal(data.status, 404);
    const message = "The page does not exist, or it is not yours to see.";
    assert.deepEqual(await data.json(), { error: { code: "not_found", message } });
  }
});

test("addresses that cannot be read and people that cannot be are never a fault of ours", async () => {
  const person = await signUp(causerie);
  const ids = ["0", "-1", "1.5", "1e3", "x", "99999999", "9007199254740992", "1".repeat(400), "%00", "%ff"];
  const strange = ["%", "%E0%A4%A", "%ed%a0%80", "%E2%80%AE", "🌞", "<script>", "{{7}}", "1'--", "__proto__"];
  for (const id of [...ids, ...strange, "NaN", "null", "０", "+1", " 1", "0x1"]) {
    for (const path of [`/chat/${id}`, `/chat/${id}/messages`, `/chat/${id}/messages/1/seen.gif`]) {
      const response = await person.get(path);
      const isThere = [" 1", "+1", "1e3", "0x1"].includes(id) && response.status === 200;
      assert.ok(isThere || [400, 404].includes(response.status), `${path}: ${response.status}`);
      if (!isThere) assert.doesNotMatch(await response.text(), /<script>alert|data-last-rev/);
    }
    const sent = await person.post(`/chat/${encodeURIComponent("0")}${id}/messages`, { message: "x" });
    assert.ok([400, 404].includes(sent.status), `post to 0${id}: ${sent.status}`);
  }
  const paths = ["/%", "/%00", "/..%2f..%2fetc%2fpasswd", "//elsewhere.example", "/%2e%2e%2fpackage.json"];
  for (const path of [
    ...paths,
    "/build%2f..%2f..%2fsrc%2fserver.ts",
    "/.env",
    "/build/",
    "/__proto__",
    "/.git/config",
    "/.git/HEAD",
  ]) {
    const response = await person.get(path);
    assert.ok([400, 404].includes(response.status), `${path}: ${response.status}`);
  }
});

test("parts of a conversation that cannot be are not understood", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  const values = ["x", "-1", "1.5", "1e400", "9007199254740992", "%00", "<b>", "1'", "1&before=2"];
  for (const name of ["before", "around", "afterRev"]) {
    for (const value of values) {
      if (name !== "before" && value.includes("before")) continue;
      const response = await person.get(`/chat/${other.id}/messages?${name}=${value}`);
      assert.equal(response.status, 400, `${name}=${value}`);
      assert.match(await response.text(), /<h1>That was not understood<\/h1>/);
    }
  }
});

test("a stranger gets nothing anywhere", async () => {
  const other = await signUp(causerie);
  const paths = ["/", "/settings", `/chat/${other.id}`, `/chat/${other.id}/messages?afterRev=0`, "/seen.gif"];
  for (const path of [...paths, `/chat/${other.id}/messages/1/seen.gif`]) {
    const page = await request(causerie, "", path);
    assert.equal(page.status, 303, path);
    assert.equal(page.headers.get("location"), `/login?next=${encodeURIComponent(path)}`);
    assert.ok(!(await page.text()).includes(other.name));
    const data = await request(causerie, "", path, { headers: JSON_WANTED });
    assert.equal(data.status, 401, path);
    assert.ok(!(await data.text()).includes(other.name));
  }
  const sent = await postForm(causerie, `/chat/${other.id}/messages`, { message: "hello" });
  assert.equal(sent.status, 401);
  assert.match(await sent.text(), /<h1>You are logged out<\/h1>/);
});

test("a stranger cannot tell who exists", async () => {
  const other = await signUp(causerie);
  const [somebody, nobody] = [`/chat/${other.id}`, `/chat/${other.id + 1_000_000}`];
  const answers = await Promise.all([somebody, nobody].map((path) => request(causerie, "", path)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [303, 303],
  );
});

test("a body too large is told so on every route, in words or as data", async () => {
  const person = await signUp(causerie);
  const fields = { theme: "x".repeat(70_000) };
  for (const path of ["/register", "/theme", "/nowhere"]) {
    const page = await person.post(path, fields);
    assert.equal(page.status, 413, path);
    const html = await page.text();
    assert.match(html, /<h1>This is too large<\/h1>/);
    assert.match(html, /href="\/">Back to the chat<\/a>/);
    const data = await person.post(path, fields, JSON_WANTED);
    assert.equal(data.status, 413);
    const { error }: { error: { code: string } } = JSON.parse(await data.text());
    assert.equal(error.code, "too_large");
  }
});

test("JSON that is none is not understood, in words or as data", async () => {
  for (const body of ["{", '{"a":}', "[1,", "\0", "{'a':1}", "undefined"]) {
    const page = await postRaw(causerie, "/theme", "application/json", body);
    assert.equal(page.status, 400, body);
    assert.match(await page.text(), /<h1>That was not understood<\/h1>/);
    const data = await postRaw(causerie, "/theme", "application/json", body, { headers: JSON_WANTED });
    assert.equal(data.status, 400);
    const { error }: { error: { code: string } } = JSON.parse(await data.text());
    assert.equal(error.code, "invalid");
  }
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  assert.equal((await postRaw(causerie, "/theme", "application/json", deep)).status, 400);
});

test("errors are not kept by anybody and speak the reader's language", async () => {
  const headers = { "accept-language": "fr" };
  for (const [path, status, words] of [
    ["/nowhere", 404, "Il n’y a rien ici"],
    ["/chat/%", 400, "Demande incomprise"],
  ] as const) {
    const response = await request(causerie, "", path, { headers });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.ok((await response.text()).includes(words));
  }
});

test("what a client accepts decides between words and data, and nonsense gets words", async () => {
  for (const [accept, type] of [
    ["text/html", /^text\/html/],
    ["*/*", /^text\/html/],
    ["application/json", /^application\/json/],
    ["application/json;q=0.9, text/html;q=0.1", /^application\/json/],
    ["image/png", /^text\/html/],
    ["{{x}}<script>", /^text\/html/],
    [",,,;q=x", /^text\/html/],
  ] as const) {
    const response = await request(causerie, "", "/nowhere", { headers: { accept } });
    assert.equal(response.status, 404, accept);
    assert.match(response.headers.get("content-type") ?? "", type, accept);
  }
});

test("after all this the log has no fault of ours", () => {
  assert.doesNotMatch(causerie.output(), /a request failed|error /);
});
