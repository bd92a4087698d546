import assert from "node:assert/strict";
import { get } from "node:http";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { startCauserie } from "../support/causerie.ts";
import { freePort } from "../support/network.ts";
import { cookiesOf, newName, request, signUp } from "../support/person.ts";

const TOKEN = "a token for those who measure";
const causerie = await startCauserie({ METRICS_TOKEN: TOKEN });

const policyOf = (response: Response) =>
  new Map(
    (response.headers.get("content-security-policy") ?? "").split(";").map((directive) => {
      const [name = "", ...values] = directive.trim().split(" ");
      return [name, values.join(" ")];
    }),
  );

test("every answer forbids what pages of this site never do", async () => {
  const person = await signUp(causerie);
  for (const path of [
    "/",
    "/login",
    "/settings",
    "/nowhere",
    "/healthz",
    "/favicon.svg",
    "/avatars/1/1.svg",
  ]) {
    const response = await person.get(path);
    const policy = policyOf(response);
    assert.equal(policy.get("default-src"), "'none'", path);
    assert.equal(policy.get("script-src"), "'self'");
    assert.equal(policy.get("style-src"), "'self'");
    assert.equal(policy.get("frame-ancestors"), "'none'");
    assert.equal(policy.get("base-uri"), "'none'");
    assert.equal(policy.get("form-action"), "'self'");
    assert.equal(policy.get("object-src"), "'none'");
    assert.doesNotMatch(response.headers.get("content-security-policy") ?? "", /unsafe|https?:|\*/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("x-frame-options"), "DENY");
    assert.equal(response.headers.get("referrer-policy"), "same-origin");
    assert.match(response.headers.get("permissions-policy") ?? "", /camera=\(\)/);
    assert.equal(response.headers.get("x-powered-by"), null);
  }
});

test("over plain http nothing sends browsers to https", async () => {
  const response = await request(causerie, "", "/login");
  assert.equal(policyOf(response).has("upgrade-insecure-requests"), false);
  assert.equal(response.headers.get("strict-transport-security"), null);
});

test("pages hold no script, style or handler of their own, as the policy demands", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  await person.post(`/chat/${other.id}/messages`, { message: "<img src=x onerror=alert(1)> {{x}}" });
  for (const path of ["/", `/chat/${other.id}`, "/settings", "/nowhere"]) {
    const html = await (await person.get(path)).text();
    assert.doesNotMatch(html, /<style|\sstyle="|<[^>]*\son\w+=/i, path);
    for (const [, attributes = ""] of html.matchAll(/<script([^>]*)>/g)) {
      assert.match(attributes, / src="\/build\/app-[\w-]+\.js"/);
    }
  }
});

test("built files have a hash in their name, never change, and are sent as small as the browser can take", async () => {
  const html = await (await request(causerie, "", "/login")).text();
  const files = [...html.matchAll(/(?:src|href)="(\/build\/[^"]+)"/g)].map((match) => match[1] ?? "");
  assert.deepEqual(files.map((file) => file.replace(/-[\w-]{10}\./, "-HASH.")).sort(), [
    "/build/app-HASH.css",
    "/build/app-HASH.js",
  ]);
  for (const file of files) {
    const [plain, gzip, brotli] = await Promise.all(
      ["identity", "gzip", "gzip, br"].map((e) => load(file, e)),
    );
    assert.ok(plain && gzip && brotli);
    assert.equal(plain.encoding, undefined);
    assert.equal(gzip.encoding, "gzip");
    assert.equal(brotli.encoding, "br");
    for (const each of [plain, gzip, brotli]) {
      assert.equal(each.cacheControl, "public, max-age=31536000, immutable");
      assert.match(each.vary ?? "", /Accept-Encoding/i);
    }
    assert.deepEqual(gunzipSync(gzip.body), plain.body);
    assert.deepEqual(brotliDecompressSync(brotli.body), plain.body);
    assert.ok(brotli.body.length < gzip.body.length && gzip.body.length < plain.body.length);
    assert.match(plain.type ?? "", file.endsWith(".js") ? /^text\/javascript/ : /^text\/css/);
  }
  assert.equal((await request(causerie, "", "/build/app-0000000000.js")).status, 404);
});

/** A file as it comes over the wire, not unpacked. */
function load(path: string, encoding: string) {
  return new Promise<{
    body: Buffer;
    encoding: string | undefined;
    cacheControl: string | undefined;
    vary: string | undefined;
    type: string | undefined;
  }>((resolve, reject) => {
    get(causerie.url + path, { headers: { "accept-encoding": encoding } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const { headers } = response;
        resolve({
          ...{ body: Buffer.concat(chunks), encoding: headers["content-encoding"] },
          ...{ cacheControl: headers["cache-control"], vary: headers.vary, type: headers["content-type"] },
        });
      });
    }).on("error", reject);
  });
}

test("pages are compressed, and say that nobody may keep what is private", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  for (const path of ["/", `/chat/${other.id}`, "/settings"]) {
    const response = await person.get(path, { "accept-encoding": "gzip" });
    assert.equal(response.headers.get("content-encoding"), "gzip", path);
    assert.equal(response.headers.get("cache-control"), "no-store", path);
    assert.match(await response.text(), /<\/html>/);
  }
});

test("it says whether it is alive and whether it can serve, to anybody", async () => {
  const alive = await request(causerie, "", "/healthz");
  assert.equal(alive.status, 200);
  assert.equal(await alive.text(), "ok\n");
  const ready = await request(causerie, "", "/readyz");
  assert.equal(ready.status, 200);
  assert.deepEqual(await ready.json(), { ready: true, database: true, redis: true, draining: false });
  assert.equal((await request(causerie, "", "/healthz", { method: "POST" })).status, 404);
});

test("measurements are for whoever has the token; for everybody else there is nothing", async () => {
  const person = await signUp(causerie);
  const ask = (authorization?: string, cookie = "") =>
    request(causerie, cookie, "/metrics", authorization === undefined ? {} : { headers: { authorization } });
  for (const wrong of [
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    TOKEN,
  ]) {
    assert.equal((await ask(wrong)).status, 404, wrong);
  }
  assert.equal((await ask(undefined, person.cookie)).status, 404);
  assert.equal((await request(causerie, "", `/metrics?token=${encodeURIComponent(TOKEN)}`)).status, 404);
  const response = await ask(`Bearer ${TOKEN}`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
  const text = await response.text();
  for (const name of [
    "causerie_messages_sent_total",
    "causerie_sockets",
    "causerie_http_request_seconds_count",
  ]) {
    assert.match(text, new RegExp(`^${name}(?:{[^}]*})? [\\d.]+$`, "m"), name);
  }
  assert.ok(!text.includes(person.name));
});

test("behind https in production cookies are Secure and bound to the host, browsers stay with https", async () => {
  const port = await freePort();
  const origin = "https://chat.example.org";
  const node = await causerie.another({
    ...{
      NODE_ENV: "production",
      PUBLIC_URL: origin,
      TRUST_PROXY: "1",
      PORT: String(port),
      BCRYPT_COST: "10",
    },
    ...{ SESSION_SECRET: "s".repeat(32), PASSWORD_KEY: "p".repeat(32), METRICS_TOKEN: "" },
  });
  const behind = { ...node, url: `http://127.0.0.1:${port}` };
  const proxied = { origin, "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7" };
  const name = newName();
  const fields = { username: name, password: "a password that is long enough" };
  const enter = (headers: Record<string, string>) =>
    request(behind, "", "/register", { method: "POST", body: new URLSearchParams(fields), headers });
  assert.equal(
    (await enter({ ...proxied, origin: behind.url })).status,
    403,
    "only the public origin is ours",
  );
  const response = await enter(proxied);
  assert.equal(response.status, 303);
  const cookie = response.headers.getSetCookie().find((each) => !each.startsWith("__Secure-")) ?? "";
  assert.match(cookie, /^__Host-causerie=s%3A/);
  const attributes = cookie.split("; ").slice(1);
  for (const attribute of ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"])
    assert.ok(attributes.includes(attribute));
  assert.ok(!attributes.some((attribute) => attribute.startsWith("Domain")));

  const home = await request(behind, cookiesOf(response), "/", { headers: proxied });
  assert.equal(home.status, 200);
  assert.ok(policyOf(home).has("upgrade-insecure-requests"));
  assert.match(home.headers.get("strict-transport-security") ?? "", /^max-age=31536000/);
  assert.equal(home.headers.get("cross-origin-opener-policy"), "same-origin");
  assert.equal(
    (await request(behind, "", "/metrics", { headers: { authorization: "Bearer " } })).status,
    404,
  );

  const logout = await request(behind, cookiesOf(response), "/logout", { method: "POST", headers: proxied });
  assert.match(logout.headers.getSetCookie()[0] ?? "", /^__Host-causerie=; .*Secure/);
  assert.equal((await request(behind, cookiesOf(response), "/", { headers: proxied })).status, 303);
  for (const line of node.output().trim().split("\n"))
    assert.ok(JSON.parse(line), "the log is lines of JSON");
  await node.stop();
});
