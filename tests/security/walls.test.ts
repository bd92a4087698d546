import assert from "node:assert/strict";
import { request as ask } from "node:http";
import { test } from "node:test";
import { ROUTE_ACCESS } from "../../src/platform/access.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { freePort } from "../support/network.ts";
import { cookiesOf, newName, signUp } from "../support/person.ts";
import { newTalk, ROUTE_EXAMPLES, type Talk } from "./examples.ts";

const causerie = await startCauserie({ LIMIT_REGISTER_PER_ADDRESS: "off" });
const PROXIED = { "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7" };
const HTTPS = "https://chat.example.org";
const port = String(await freePort());
const behindProxy = await causerie.another({ PUBLIC_URL: HTTPS, TRUST_PROXY: "loopback", PORT: port });
/** The same node by the address at which a proxy would reach it. */
const https = { ...behindProxy, url: `http://127.0.0.1:${port}` };

const KEPT = new Set(["GET /build/:file", "GET /favicon.svg", "GET /avatars/1/:file"]);
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"],
  ...["connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
  ...["object-src 'none'", "require-trusted-types-for 'script'", "trusted-types causerie"],
];

/** What every answer has, whatever it is. */
const EVERYWHERE: Record<string, string> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "x-frame-options": "DENY",
  "x-dns-prefetch-control": "off",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": [
    ...["camera=()", "microphone=()", "geolocation=()", "display-capture=()", "midi=()", "payment=()"],
    ...["usb=()", "serial=()", "hid=()", "bluetooth=()"],
  ].join(", "),
};

function assertWalls({ headers }: Response, what: string, policy: string[]): void {
  if (what === "GET /build/:file") {
    assertFileWalls(headers);
    return;
  }
  assert.deepEqual(headers.get("content-security-policy")?.split(";"), policy, what);
  for (const [name, value] of Object.entries(EVERYWHERE))
    assert.equal(headers.get(name), value, `${what}: ${name}`);
  for (const name of ["x-powered-by", "server", "access-control-allow-origin"]) {
    assert.equal(headers.get(name), null, `${what}: ${name}`);
  }
}

/** A script or a stylesheet is no document: what documents may do is not said of it. */
function assertFileWalls(headers: Headers): void {
  assert.equal(headers.get("content-security-policy"), "default-src 'none'");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
}

/** A route's example as its owner asks for it, over plain http or as a proxy hands it on. */
async function answerOf(node: Causerie, route: string, talk: Talk, extra: Record<string, string>) {
  const example = await ROUTE_EXAMPLES[route]?.(talk);
  assert.ok(example, route);
  const { path, fields } = example;
  const cookie = talk.member.cookie.replace(/\bcauserie=/, node === https ? "__Host-causerie=" : "causerie=");
  return fetch(node.url + path, {
    ...{ method: route.split(" ")[0] ?? "", redirect: "manual" as const },
    headers: { cookie, origin: node === https ? HTTPS : node.url, accept: "text/html", ...extra },
    ...(fields ? { body: new URLSearchParams(fields) } : {}),
  });
}

const routes = Object.keys(ROUTE_ACCESS);

test("every route's answer has every header, and only public files may be kept", async () => {
  for (const route of routes) {
    const response = await answerOf(causerie, route, await newTalk(causerie), {});
    assertWalls(response, route, POLICY);
    assert.equal(response.headers.get("strict-transport-security"), null, "over plain http");
    const cacheControl = response.headers.get("cache-control") ?? "";
    if (KEPT.has(route)) assert.match(cacheControl, /^public, max-age=\d+/, route);
    else assert.equal(cacheControl, "no-store", route);
  }
});

test("every JSON answer and every error has the same headers and is kept by nobody", async () => {
  const talk = await newTalk(causerie);
  for (const route of routes.filter((each) => each.startsWith("GET ") && !KEPT.has(each))) {
    const response = await answerOf(causerie, route, talk, { accept: "application/json" });
    assertWalls(response, route, POLICY);
    assert.equal(response.headers.get("cache-control"), "no-store", route);
  }
  for (const path of [
    "/nowhere",
    "/chat/%",
    "/chat/999999",
    "/build/app-0000000000.js",
    "/socket.io/?EIO=4",
  ]) {
    const response = await fetch(causerie.url + path, {
      redirect: "manual",
      headers: { cookie: talk.member.cookie },
    });
    assert.ok(response.status >= 400, path);
    assertWalls(response, path, POLICY);
    assert.equal(response.headers.get("cache-control"), "no-store", path);
  }
});

test("every answer with a body says what it is, text with its character set", async () => {
  for (const route of routes) {
    const response = await answerOf(causerie, route, await newTalk(causerie), {});
    const type = response.headers.get("content-type");
    if ((await response.arrayBuffer()).byteLength === 0) continue;
    assert.ok(type, route);
    if (/^text\/|json/.test(type)) assert.match(type, /; charset=utf-8$/i, route);
  }
});

test("behind https every answer demands https for a year, subdomains too, and a browsing context of its own", async () => {
  for (const route of routes) {
    const response = await answerOf(https, route, await newTalk(causerie), PROXIED);
    assertWalls(response, route, [...POLICY, "upgrade-insecure-requests"]);
    assert.equal(
      response.headers.get("strict-transport-security"),
      "max-age=31536000; includeSubDomains",
      route,
    );
    assert.equal(response.headers.get("cross-origin-opener-policy"), "same-origin", route);
    assert.equal(response.headers.get("origin-agent-cluster"), "?1", route);
  }
});

test("behind https every cookie of every route is Secure, SameSite and prefixed", async () => {
  let seen = 0;
  for (const route of routes) {
    const response = await answerOf(https, route, await newTalk(causerie), PROXIED);
    for (const cookie of response.headers.getSetCookie()) {
      assert.match(cookie, /; Secure/, route);
      assert.match(cookie, /; SameSite=(Lax|Strict)/, route);
      assert.match(cookie, /^__Host-[\w-]+=.*; Path=\/(;|$)|^__Secure-[\w-]+=.*; Path=\/\w+/, route);
      seen += 1;
    }
  }
  assert.ok(seen > 3);
});

test("a choice that was made behind https is found again under its prefixed name", async () => {
  const headers = { ...PROXIED, origin: HTTPS, cookie: "__Host-locale=fr; locale=en", accept: "text/html" };
  const page = await fetch(`${https.url}/login`, { headers });
  assert.match(await page.text(), /<html[^>]* lang="fr"/);
});

/** Where browsers may go elsewhere, by an address that looks like a path. */
const ELSEWHERE = [
  ...["https://evil.example", "//evil.example", "\\\\evil.example", "/\\evil.example", "/\\/evil.example"],
  ...["///evil.example", "/.//evil.example", "/..//evil.example", "/%2e//evil.example", "/./\\evil.example"],
  ...["/\t/evil.example", "\t//evil.example", "/\n/evil.example", " //evil.example", "\u0000//evil.example"],
  ...["javascript:alert(1)", "data:text/html,x", "http:evil.example", "https:/evil.example", "@evil.example"],
  ...[
    "/@evil.example//..//evil.example",
    "/login?next=//evil.example",
    "//evil.example:80/%2e%2e",
    "",
    "evil",
  ],
];

test("?next= never leaves the site, by any form that takes it", async () => {
  const person = await signUp(causerie);
  for (const next of ELSEWHERE) {
    const answers = await Promise.all([
      person.get(`/login?next=${encodeURIComponent(next)}`),
      person.get(`/register?next=${encodeURIComponent(next)}`),
      postForm(causerie, "/login", { username: person.name, password: person.password, next }),
      postForm(causerie, "/register", { username: newName(), password: `of ${newName()} and more`, next }),
      person.post("/theme", { theme: "dark", next }),
      person.post("/locale", { locale: "en", next }),
      person.post("/time-zone", { timeZone: "UTC", next }),
    ]);
    for (const response of answers) {
      assert.equal(response.status, 303, next);
      const location = response.headers.get("location") ?? "";
      assert.equal(
        new URL(location, causerie.url).origin,
        new URL(causerie.url).origin,
        `${next}: ${location}`,
      );
      assert.match(location, /^\/(?![/\\])/, `${next}: ${location}`);
    }
  }
});

test("a login page that was opened with a next elsewhere holds none", async () => {
  for (const next of ELSEWHERE) {
    const html = await (await fetch(`${causerie.url}/login?next=${encodeURIComponent(next)}`)).text();
    for (const [, target = ""] of html.matchAll(/(?:href|action|value)="([^"]*evil[^"]*)"/g)) {
      const url = new URL(target.replaceAll("&#x3D;", "="), causerie.url);
      assert.equal(url.origin, new URL(causerie.url).origin, target);
    }
  }
});

const LINKS = [
  ...[
    "https://example.org/a?b=c&d='e'",
    "http://example.org",
    "www.example.org",
    "mailto:camille@example.org",
  ],
  ...[
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<b>",
    "vbscript:x",
  ],
  ...["ftp://example.org", "file:///etc/passwd", "//example.org", "blob:https://example.org/x", "tel:12345"],
  ...["intent://x#Intent;end", "view-source:https://example.org", "ms-word:ofe|u|https://example.org"],
];

test("links in messages lead by http, https or mailto only, and hand nothing over", async () => {
  const [one, other] = [await signUp(causerie), await signUp(causerie)];
  for (const message of LINKS) await one.post(`/chat/${other.id}/messages`, { message });
  const html = await (await other.get(`/chat/${one.id}`)).text();
  const links = [...html.matchAll(/<a [^>]*target="_blank"[^>]*>/g)].map(([link]) => link);
  assert.ok(links.length >= 4);
  for (const link of links) {
    assert.match(link, / href="(?:https?:\/\/|mailto:)/);
    assert.match(link, / rel="noopener noreferrer\b/);
  }
  assert.ok(links.some((link) => link.includes("mailto:")));
  const outside = [...html.matchAll(/<a [^>]*href="([a-z]+:[^"]*)"[^>]*>/gi)].map(([link]) => link);
  assert.deepEqual(outside, links, "no link leaves the site in another way");
});

test("cookies that pages set are hidden from scripts where they let somebody in", async () => {
  const response = await postForm(causerie, "/register", {
    username: newName(),
    password: `of ${newName()} more`,
  });
  assert.match(cookiesOf(response), /causerie=/);
  for (const cookie of response.headers.getSetCookie()) assert.match(cookie, /; HttpOnly/);
});

test("TRACE and methods that nobody serves give nothing back", async () => {
  const { member } = await newTalk(causerie);
  for (const method of ["TRACE", "PROPFIND", "PUT", "DELETE", "PATCH", "M-SEARCH"]) {
    const headers = { origin: causerie.url, cookie: member.cookie, "x-secret": "not to be echoed" };
    const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asked = ask(`${causerie.url}/settings`, { method, headers }, (response) => {
        let text = "";
        response.on("data", (data) => (text += String(data)));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      asked.on("error", reject).end();
    });
    assert.equal(status, 404, method);
    assert.ok(!body.includes("not to be echoed") && !body.includes(member.cookie), method);
  }
});
