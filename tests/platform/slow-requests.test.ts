import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { eventually, request } from "../support/person.ts";

/** Whoever sends slowly, or opens connections only to have them, is cut and holds nobody up. */
const causerie = await startCauserie({
  ...{ LIMIT_HEADERS_SECONDS: "2", LIMIT_REQUEST_SECONDS: "3", LIMIT_CONNECTIONS_PER_ADDRESS: "30" },
});
const proxied = await causerie.another({ TRUST_PROXY: "127.0.0.1" });

async function open(
  url = causerie.url,
): Promise<{ socket: Socket; isClosed: () => boolean; heard: () => string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  after(() => socket.destroy());
  let heard = "";
  let isClosed = false;
  socket.on("error", () => undefined).on("close", () => (isClosed = true));
  socket.on("data", (data) => (heard += String(data)));
  await once(socket, "connect");
  return { socket, isClosed: () => isClosed, heard: () => heard };
}

/** Sends one byte after the other until it is cut. */
async function drip(socket: Socket, byte: string): Promise<void> {
  const timer = setInterval(() => socket.write(byte), 100);
  await eventually(() => socket.destroyed, "a slow request is cut", 10_000);
  clearInterval(timer);
}

test("headers that come slowly are cut", async () => {
  const { socket, heard } = await open();
  socket.write(`GET /login HTTP/1.1\r\nHost: ${new URL(causerie.url).host}\r\nX-Slow: `);
  await drip(socket, "a");
  assert.match(heard(), /^HTTP\/1\.1 408 /);
  assert.equal((await request(causerie, "", "/login")).status, 200);
});

test("a body that comes slowly is cut", async () => {
  const { socket } = await open();
  const lines = [
    "POST /login HTTP/1.1",
    `Host: ${new URL(causerie.url).host}`,
    ...[
      `Origin: ${causerie.url}`,
      "Content-Type: application/x-www-form-urlencoded",
      "Content-Length: 60000",
    ],
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\nusername=`);
  await drip(socket, "a");
  assert.equal((await request(causerie, "", "/login")).status, 200);
});

test("an address that opens more connections than it may is cut short; a proxy of ours is not", async () => {
  const many = await Promise.all(Array.from({ length: 60 }, () => open()));
  await eventually(() => many.filter(({ isClosed }) => isClosed()).length >= 30, "what is too much is cut");
  const direct = many.filter(({ isClosed }) => !isClosed()).length;
  assert.ok(direct > 0 && direct <= 30, `${direct} are open`);
  for (const { socket } of many) socket.destroy();
  await eventually(
    async () => (await request(causerie, "", "/login").catch(() => null))?.status === 200,
    "there is room again",
  );
  const viaProxy = await Promise.all(Array.from({ length: 60 }, () => open(proxied.url)));
  assert.equal((await request(proxied, "", "/login")).status, 200);
  assert.ok(viaProxy.every(({ isClosed }) => !isClosed()));
});
