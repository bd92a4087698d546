import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect as dial } from "node:net";
import { after, test } from "node:test";
import { openTab } from "../messages/talk.ts";
import { startOnOwnStores } from "../operations/own-stores.ts";
import { connect, signUp } from "../support/person.ts";
import { openRawSocket } from "../support/raw-socket.ts";

/** What somebody is told who gets no socket. */
const stores = await startOnOwnStores({ overrides: { LIMIT_SOCKETS_PER_USER: "2" } });
const { causerie } = stores;
const narrow = await causerie.another({ LIMIT_SOCKETS_PER_ADDRESS: "1" });
const { lines, settings } = await stores.openLines();
const behindLine = await causerie.another({ REDIS_URL: settings.REDIS_URL ?? "" });
const ann = await signUp(causerie);

const GOOD = "/socket.io/?EIO=4&transport=websocket";

/** The whole answer to an upgrade, until the server closes. */
function upgrade(url: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const all = {
    ...{ Host: host, Origin: url, Cookie: ann.cookie, Connection: "Upgrade", Upgrade: "websocket" },
    ...{ "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": randomBytes(16).toString("base64") },
    ...headers,
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = dial(Number(port), hostname, () => {
      socket.write(`GET ${path} HTTP/1.1\r\n${head.join("")}\r\n`);
    });
    after(() => socket.destroy());
    let heard = "";
    socket.setTimeout(8000, () => reject(new Error(`not closed after: ${heard}`)));
    socket.on("data", (data) => (heard += String(data)));
    socket.on("error", reject).on("close", () => resolve(heard));
  });
}

function assertRefused(answer: string, status: number, what: string): void {
  assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${what}: ${answer.slice(0, 40)}`);
  for (const header of [
    ...["X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Referrer-Policy: same-origin"],
    ...["X-Frame-Options: DENY", "Cross-Origin-Resource-Policy: same-origin", "Connection: close"],
  ]) {
    assert.ok(answer.toLowerCase().includes(`\r\n${header.toLowerCase()}\r\n`), `${what}: ${header}`);
  }
  assert.match(answer, /\r\nContent-Security-Policy: default-src 'none';.*frame-ancestors 'none'/i, what);
  assert.match(answer, /\r\nPermissions-Policy: camera=\(\)/i, what);
}

test("every upgrade that is refused is answered in few words, with the headers of pages", async () => {
  const foreign = { Origin: "https://elsewhere.example" };
  assertRefused(await upgrade(causerie.url, GOOD, foreign), 403, "a foreign origin");
  assertRefused(await upgrade(causerie.url, GOOD.replace("websocket", "polling")), 400, "another transport");
  assertRefused(await upgrade(causerie.url, `${GOOD}&sid=none`), 400, "an id that is none");
  assertRefused(await upgrade(causerie.url, GOOD, { "Sec-WebSocket-Key": "short" }), 400, "a bad key");
  assertRefused(await upgrade(causerie.url, GOOD, { "Sec-WebSocket-Version": "7" }), 400, "an old version");
  assertRefused(await upgrade(causerie.url, GOOD, { Upgrade: "h2c" }), 400, "another protocol");
  assertRefused(await upgrade(causerie.url, "/chat/1"), 404, "another address");
  assert.equal((await causerie.rows("SELECT 1 AS alive")).length, 1);
  assert.equal((await fetch(`${causerie.url}/healthz`)).status, 200);
});

test("too many from one address, and a store that is away, say when to come back", async () => {
  const first = await openRawSocket(narrow, ann.cookie);
  assert.match(first.head, /^HTTP\/1\.1 101 /);
  const full = await upgrade(narrow.url, GOOD);
  assertRefused(full, 429, "one too many");
  assert.match(full, /\r\nRetry-After: \d+\r\n/);
  await lines.redis.cut();
  try {
    const away = await upgrade(behindLine.url, GOOD);
    assertRefused(away, 503, "Redis is away");
    assert.match(away, /\r\nRetry-After: \d+\r\n/);
  } finally {
    await lines.redis.mend();
  }
});

test("a socket too many of one person is told why, in their language", async () => {
  const bob = await signUp(causerie);
  await bob.post("/locale", { locale: "fr" });
  for (let index = 0; index < 2; index += 1) await openTab(causerie, bob);
  const cookie = `${bob.cookie}; locale=fr`;
  await assert.rejects(connect(causerie, { cookie }), (error: Error & { data?: Record<string, unknown> }) => {
    assert.equal(error.message, "too_many");
    assert.match(String(error.data?.message), /^Trop de vos pages sont ouvertes à la fois/);
    assert.ok(Number(error.data?.retryAfterS) > 0);
    return true;
  });
});
