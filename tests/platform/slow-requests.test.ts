import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, type Socket } from "node:net";
import { after, test } from "node:test";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { connect as connectDevice, eventually, type Person, request, signUp } from "../support/person.ts";

/** Whoever sends slowly, or opens connections only to have them, is cut and holds nobody up. */
const causerie = await startCauserie({
  ...{ LIMIT_HEADERS_SECONDS: "2", LIMIT_REQUEST_SECONDS: "3", LIMIT_CONNECTIONS_PER_ADDRESS: "30" },
});
const proxied = await causerie.another({ TRUST_PROXY: "127.0.0.1" });
const ANSWER_S = 2;
const impatient = await causerie.another({
  ...{ LIMIT_ANSWER_SECONDS: String(ANSWER_S), LIMIT_HEADERS_SECONDS: "60", LIMIT_REQUEST_SECONDS: "60" },
});

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

test("whoever comes on one connection too many is told so, with the time to come back", async () => {
  const many = await Promise.all(Array.from({ length: 30 }, () => open()));
  const { socket, heard, isClosed } = await open();
  const end = performance.now() + 5000;
  socket.write("GET /login HTTP/1.1\r\nHost: x\r\n\r\n");
  await eventually(() => isClosed(), "it is let go of");
  assert.ok(performance.now() < end);
  assert.match(heard(), /^HTTP\/1\.1 429 Too Many Requests\r\n/);
  assert.match(heard(), /\r\nRetry-After: \d+\r\n/);
  assert.match(heard(), /\r\nConnection: close\r\n/);
  assert.match(heard(), /\r\nx-content-type-options: nosniff\r\n/i);
  assert.match(heard(), /\r\ncontent-security-policy: default-src 'none';/i);
  assert.ok(heard().endsWith("\r\n\r\n"), "nothing of the page");
  for (const each of many) each.socket.destroy();
});

/** Somebody's conversation of large messages, and what asks for it, without the end. */
async function largePage(node: Causerie): Promise<{ reader: Person; head: string }> {
  const [reader, writer] = [await signUp(node), await signUp(node)];
  const device = await connectDevice(node, writer);
  await Promise.all(Array.from({ length: 50 }, () => device.send(reader.id, "\u{1F40B}".repeat(4000))));
  device.socket.disconnect();
  const lines = [
    `GET /chat/${writer.id} HTTP/1.1`,
    ...[`Host: ${new URL(node.url).host}`, `Cookie: ${reader.cookie}`, "Accept: text/html"],
  ];
  return { reader, head: `${lines.join("\r\n")}\r\n` };
}

test("a client that asks for large pages and never reads them is cut, and the others are served", async () => {
  const { reader, head } = await largePage(impatient);
  const { socket, isClosed } = await open(impatient.url);
  socket.pause();
  socket.write(`${head}\r\n`.repeat(40));
  // After one such time it is known how much waits, after two that it is still as much.
  await new Promise((resolve) => setTimeout(resolve, (2 * ANSWER_S + 2) * 1000));
  // That the other end is gone shows when something is sent: here a request that does not end.
  socket.write(head);
  const timer = setInterval(() => socket.write("X"), 200);
  await eventually(() => isClosed(), "it is cut").finally(() => clearInterval(timer));
  assert.equal((await reader.get("/")).status, 200);
});

/** What it reads in a tenth of a second, of about 16 MB. */
const SLOW_BYTES = 400_000;

test("a client that reads slowly gets all of it", async () => {
  const { head } = await largePage(impatient);
  const { socket, isClosed, heard } = await open(impatient.url);
  const PAGES = 20;
  socket.write(`${head}\r\n`.repeat(PAGES - 1));
  socket.write(`${head}Connection: close\r\n\r\n`);
  const since = performance.now();
  let read = 0;
  socket.on("data", (data) => {
    read += data.length;
    if (read > SLOW_BYTES) socket.pause();
  });
  while (!isClosed()) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    read = 0;
    socket.resume();
  }
  assert.equal(heard().split("HTTP/1.1 200 OK\r\n").length - 1, PAGES);
  assert.equal(heard().split("</main>").length - 1, PAGES);
  const tookS = (performance.now() - since) / 1000;
  assert.ok(tookS > ANSWER_S, `it took ${tookS} s, longer than nothing may take`);
});

test("a socket that is open, and a connection kept for the next request, are not cut for being quiet", async () => {
  const person = await signUp(impatient);
  const device = await connectDevice(impatient, person);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  after(() => agent.destroy());
  const portOf = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = get(`${impatient.url}/login`, { agent }, (response) => {
        const { localPort } = response.socket;
        response.resume().on("end", () => resolve(localPort));
      });
      asked.on("error", reject);
    });
  const before = await portOf();
  await new Promise((resolve) => setTimeout(resolve, (ANSWER_S + 1.5) * 1000));
  assert.equal(await portOf(), before, "the same connection");
  assert.equal(device.socket.connected, true);
});
