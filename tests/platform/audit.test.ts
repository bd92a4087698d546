import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect as dial } from "node:net";
import { test } from "node:test";
import { AUDIT_EVENTS } from "../../src/platform/audit.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { freePort } from "../support/network.ts";
import { connect, eventually, logIn, newName, request, signUp } from "../support/person.ts";
import { sessionIdOf } from "../support/redis.ts";

const causerie = await startCauserie({ LOG_LEVEL: "error" });
const port = String(await freePort());
const production = await causerie.another({
  ...{ NODE_ENV: "production", PUBLIC_URL: `http://127.0.0.1:${port}`, PORT: port, BCRYPT_COST: "10" },
  ...{ SESSION_SECRET: "s".repeat(32), PASSWORD_KEY: "p".repeat(32), TRUST_PROXY: "1" },
});

interface Line {
  event: string;
  time: string;
  [field: string]: unknown;
}

/** The audit lines of the node that writes JSON. */
const linesOf = (event: string): Line[] =>
  production
    .output()
    .split("\n")
    .filter((line) => line.includes('"audit":true'))
    .map((line) => JSON.parse(line))
    .filter((line: Line) => line.event === event);

async function lineWith(event: string, fits: (line: Line) => boolean): Promise<Line> {
  await eventually(() => linesOf(event).some(fits), `a line of ${event}`);
  const [line, ...more] = linesOf(event).filter(fits);
  assert.deepEqual(more, []);
  assert.ok(line);
  return line;
}

test("registering, logging in and logging out each leave one line: when, who, from where", async () => {
  const person = await signUp(production);
  const other = await logIn(production, person);
  await other.post("/logout", {});
  for (const event of ["registered", "login", "logout"]) {
    const line = await lineWith(event, ({ userId }) => userId === person.id);
    assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(line.address, "127.0.0.1");
    assert.match(String(line.requestId), /^[\da-f-]{36}$/);
  }
});

test("a login that failed names the account that exists, and never what was typed", async () => {
  const person = await signUp(production);
  const typed = `a-password-typed-as-a-name-${newName()}`;
  await postForm(production, "/login", { username: person.name, password: "not the right one" });
  await postForm(production, "/login", { username: typed, password: "not the right one" });
  await lineWith("login_failed", ({ userId }) => userId === person.id);
  const line = await lineWith("login_failed", ({ userId }) => userId === undefined);
  assert.equal(line.reason, "auth.error.wrong");
  assert.ok(!production.output().includes(typed));
});

test("a registration that was refused leaves a line with the reason", async () => {
  await postForm(production, "/register", { username: "x", password: "not the right one" });
  const line = await lineWith("registration_refused", () => true);
  assert.equal(line.reason, "auth.error.usernameShape");
});

test("what another site sends, what nobody may ask and what is not one's own leaves a line", async () => {
  const [one, two, three] = [await signUp(production), await signUp(production), await signUp(production)];
  const origin = "https://elsewhere.example";
  await postForm(production, `/chat/${one.id}/messages`, { message: "x" }, { headers: { origin } });
  const crossSite = await lineWith("denied", (line) => line.reason === "forbidden");
  assert.deepEqual([crossSite.origin, crossSite.method, crossSite.area], [origin, "POST", "/chat"]);
  await request(production, "", `/chat/${one.id}/messages`, { method: "POST" });
  await lineWith("denied", (line) => line.reason === "unauthorized");

  const [tab, foreign] = [await connect(production, one), await connect(production, three)];
  const { message } = await tab.send(two.id, "between two");
  await foreign.ask("getMessages", { conversationId: message.conversationId });
  const denied = await lineWith("denied", (line) => line.userId === three.id);
  assert.deepEqual([denied.socketEvent, denied.reason], ["getMessages", "not_found"]);
});

test("what is answered 404, 403 or 401 because it is not the asker's leaves one line each, by page, form or data", async () => {
  const [one, two] = [await signUp(production), await signUp(production)];
  await logIn(production, two);
  const sessions = await (await two.get("/sessions")).text();
  const foreign = /\/sessions\/([\w-]{22})\/revocation/.exec(sessions)?.[0] ?? "none";
  const nobody = { cookie: "", userId: undefined };
  const stranger = { cookie: one.cookie, userId: one.id };
  const asked: [
    method: string,
    path: string,
    accept: string,
    by: typeof nobody | typeof stranger,
    reason: string,
  ][] = [
    ["GET", "/admin", "text/html", stranger, "not_found"],
    ["POST", `/admin/users/${two.id}/disabling`, "text/html", stranger, "not_found"],
    ["GET", "/admin", "text/html", nobody, "not_found"],
    ["GET", foreign, "text/html", stranger, "not_found"],
    ["POST", foreign, "text/html", stranger, "not_found"],
    ["GET", "/chat/999999", "text/html", stranger, "not_found"],
    ["GET", "/chat/999999/messages?afterRev=0", "application/json", stranger, "not_found"],
    ["POST", "/chat/999999/messages", "text/html", stranger, "not_found"],
    ["GET", "/chat/999999/messages/1/seen.gif", "image/*", stranger, "not_found"],
    ["GET", "/metrics", "text/plain", nobody, "not_found"],
    ["GET", "/reset/made-up", "text/html", nobody, "not_found"],
    ["GET", "/", "application/json", nobody, "unauthorized"],
    ["POST", "/account/deletion", "text/html", nobody, "unauthorized"],
  ];
  for (const [index, [method, path, accept, { cookie, userId }, reason]] of asked.entries()) {
    const address = `198.51.100.${index + 1}`;
    const fields = { password: one.password, message: "x", disabled: "true" };
    const body = method === "POST" ? { body: new URLSearchParams(fields) } : {};
    const headers = { accept, "x-forwarded-for": address };
    const { status } = await request(production, cookie, path, { method, headers, ...body });
    assert.equal(status, reason === "not_found" ? 404 : 401, path);
    const line = await lineWith("denied", (each) => each.address === address);
    const area = `/${path.split(/[/?]/)[1]}`;
    assert.deepEqual(
      [line.reason, line.method, line.area, line.userId],
      [reason, method, area, userId],
      `${method} ${path}`,
    );
    assert.deepEqual(linesOf("session_revocation_failed"), []);
  }
});

test("what nobody serves, and a page that sends to the login, are no denials", async () => {
  const headers = { "x-forwarded-for": "198.51.100.200" };
  for (const path of ["/wp-login.php", "/.git/config", "/build/none.js", "/avatars/1/none", "/sessions"])
    await request(production, "", path, { headers });
  await request(production, "", "/admin", { headers });
  const line = await lineWith("denied", ({ address }) => address === "198.51.100.200");
  assert.equal(line.area, "/admin");
});

test("a flood of denials fills no log: above so many of one network they are counted", async () => {
  const flood = { "x-forwarded-for": "203.0.113.50" };
  const calm = { "x-forwarded-for": "203.0.113.51" };
  const ask = (headers: Record<string, string>) => request(production, "", "/metrics", { headers });
  for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 20 }, () => ask(flood)));
  await ask(calm);
  await lineWith("denied", ({ address }) => address === "203.0.113.51");
  const ofFlood = () => linesOf("denied").filter(({ address }) => address === "203.0.113.50");
  assert.equal(ofFlood().length, 30);
  const isSum = ({ reason }: Line) => reason === "more";
  await eventually(() => ofFlood().some(isSum), "the number of the others", 15_000);
  assert.equal(ofFlood().find(isSum)?.count, 170);
});

test("a socket with a foreign origin or without a session leaves a line", async () => {
  await assert.rejects(connect(production, { cookie: "" }));
  await lineWith("socket_denied", (line) => line.reason === "session");
  const url = `${production.url}/socket.io/?EIO=4&transport=websocket`;
  const headers = { ...{ upgrade: "websocket", connection: "Upgrade" }, origin: "https://elsewhere.example" };
  await raw(production, url, headers);
  const line = await lineWith("socket_denied", ({ reason }) => reason === "origin");
  assert.equal(line.origin, headers.origin);
});

test("the address is the visitor's own, whatever else the visitor puts before it", async () => {
  const headers = { "x-forwarded-for": "203.0.113.7, 198.51.100.9" };
  const fields = { username: newName(), password: "not the right one" };
  await postForm(production, "/login", fields, { headers });
  await lineWith("login_failed", ({ address }) => address === "198.51.100.9");
  await postForm(causerie, "/login", fields, { headers });
  await eventually(() => causerie.output().includes("login_failed"), "a line");
  assert.doesNotMatch(causerie.output(), /198\.51\.100\.9/);
});

/** What a header can carry over the wire that begins a line or steers a terminal, and what looks like a line. */
const FORGED = 'x\u0085\u009b2K\t{"audit":true,"event":"login","userId":1}12:00:00 audit  event="login"';

test("nothing that is sent can forge a line, in JSON or in the plain form", async () => {
  for (const node of [production, causerie]) {
    const before = node.output().split("\n").length;
    const headers = { origin: FORGED, "x-forwarded-for": FORGED, "content-type": "text/plain" };
    await raw(node, `${node.url}/%0d%0aevent="login"/\\u000a`, headers, "POST");
    await eventually(() => node.output().includes("2K"), "the line of the denial");
    const lines = node
      .output()
      .split("\n")
      .slice(before - 1, -1);
    assert.equal(lines.length, 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    assert.doesNotMatch(node.output(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/);
  }
  assert.equal(JSON.parse(production.output().trim().split("\n").at(-1) ?? "").event, "denied");
});

test("lines are written at every level of the log, and hold no password, session or text", async () => {
  const [one, two] = [await signUp(causerie), await signUp(causerie)];
  const tab = await connect(causerie, one);
  await tab.send(two.id, "a secret between two");
  await one.post(`/chat/${two.id}/messages`, { message: "another secret" });
  await one.post("/logout", {});
  await eventually(() => causerie.output().includes('event="logout"'), "the last line");
  for (const secret of [one.password, two.password, sessionIdOf(one.cookie), one.cookie, "secret"]) {
    assert.ok(!causerie.output().includes(secret), secret);
  }
});

test("docs/security.md names every event", async () => {
  const text = await readFile("docs/security.md", "utf8");
  for (const [event, when] of Object.entries(AUDIT_EVENTS))
    assert.ok(text.includes(`| \`${event}\` | ${when} |`), event);
});

/** A request with headers as they stand, which `fetch` would refuse. Resolves with the status line. */
function raw(node: Causerie, url: string, headers: Record<string, string>, method = "GET"): Promise<string> {
  const { hostname, port: at, host } = new URL(node.url);
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = dial(Number(at), hostname, () => {
      const target = url.slice(node.url.length);
      socket.write(
        Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${head.join("")}\r\n`, "latin1"),
      );
    });
    socket.once("data", (data) => resolve(String(data).split("\r\n")[0] ?? "")).on("error", reject);
    socket.on("data", () => socket.destroy());
  });
}
