import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { type Answer, connect, type Device, eventually, logIn, signUp } from "../support/person.ts";
import { openRawSocket } from "../support/raw-socket.ts";

/** What one connection may do, and how many there may be. */
const EVENTS = 50;
const causerie = await startCauserie({
  LIMIT_EVENTS_PER_SOCKET: `${EVENTS}/10s`,
  LIMIT_SOCKETS_PER_USER: "4",
  LIMIT_SOCKET_BUFFER_KB: "64",
  TRUST_PROXY: "1",
});
const second = await causerie.another();
const narrow = await causerie.another({ LIMIT_SOCKETS_PER_ADDRESS: "3" });
const narrowToo = await causerie.another({ LIMIT_SOCKETS_PER_ADDRESS: "3" });

const codes = (answers: Answer[]) => answers.map(({ error }) => error?.code ?? "ok");

test("events above the limit are answered too_many, whatever they are, and the next window takes them", async () => {
  const ann = await signUp(causerie);
  const tab = await connect(causerie, ann);
  const kinds: [string, ...unknown[]][] = [
    ["watchUsers", { userIds: [] }],
    ["typing", "not an object"],
    ["getConversations", null],
    ["noSuchEvent", {}],
  ];
  for (let index = 0; index < EVENTS; index += 1) {
    const [event, ...values] = kinds[index % 3] ?? ["watchUsers"];
    await tab.ask(event, ...values);
  }
  const over = await Promise.all(kinds.map(([event, ...values]) => tab.ask(event, ...values)));
  assert.deepEqual(codes(over), Array(4).fill("too_many"));
  const seconds = Number(over[0]?.error?.retryAfterS);
  assert.ok(seconds >= 1 && seconds <= 10);
  const another = await connect(causerie, ann);
  assert.equal((await another.ask("watchUsers", { userIds: [] })).ok, true, "it is one socket's limit");
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  assert.equal((await tab.ask("watchUsers", { userIds: [] })).ok, true);
});

test("a socket that goes on regardless is closed; others do not notice", async () => {
  const [ann, bob] = [await signUp(causerie), await signUp(causerie)];
  const [flood, calm] = [await connect(causerie, ann), await connect(causerie, bob)];
  for (let index = 0; index < 3 * EVENTS; index += 1) flood.socket.emit("typing", index);
  await eventually(() => flood.socket.disconnected, "the flood is cut");
  assert.equal((await calm.send(ann.id, "hello")).ok, true);
});

test("frames that are no events at all count as well, also before Socket.IO greets", async () => {
  const ann = await signUp(causerie);
  const raw = await openRawSocket(causerie, ann.cookie);
  assert.match(raw.head, /^HTTP\/1\.1 101 /);
  for (let index = 0; index < 3 * EVENTS; index += 1) raw.send("3");
  await eventually(() => raw.isClosed(), "it is cut");
});

async function closed(devices: Device[]): Promise<void> {
  for (const device of devices) device.socket.disconnect();
}

test("a person has so many sockets on all nodes together, and one that closes makes room", async () => {
  const ann = await signUp(causerie);
  const other = await logIn(causerie, ann);
  const devices = [await connect(causerie, ann), await connect(causerie, other)];
  devices.push(await connect(second, ann), await connect(second, other));
  for (const node of [causerie, second]) {
    await assert.rejects(connect(node, ann), (error: Error & { data?: { retryAfterS?: number } }) => {
      assert.equal(error.message, "too_many");
      assert.ok(Number(error.data?.retryAfterS) > 0);
      return true;
    });
  }
  await closed(devices.slice(0, 1));
  await eventually(async () => {
    const device = await connect(second, ann).catch(() => null);
    return device !== null;
  }, "there is room again");
  await assert.rejects(connect(second, ann), /too_many/);
  await connect(causerie, await signUp(causerie));
});

test("sockets that are opened at once are let in up to the limit", async () => {
  const ann = await signUp(causerie);
  const tries = await Promise.allSettled(Array.from({ length: 12 }, () => connect(causerie, ann)));
  assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 4);
});

test("an address has so many sockets on all nodes together; a node that died gives its places back", async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => signUp(causerie)));
  const cookies = people.map(({ cookie }) => cookie);
  const nodes = [narrow, narrowToo, narrow];
  for (const [index, node] of nodes.entries()) {
    const raw = await openRawSocket(node, cookies[index] ?? "");
    assert.match(raw.head, /^HTTP\/1\.1 101 /);
  }
  for (const node of [narrow, narrowToo]) {
    const { head } = await openRawSocket(node, cookies[4] ?? "");
    assert.match(head, /^HTTP\/1\.1 429 Too Many Requests\r\n/);
    assert.match(head, /\r\nRetry-After: \d+\r\n/);
  }
  await narrow.stop("SIGTERM");
  await eventually(async () => {
    const raw = await openRawSocket(narrowToo, cookies[3] ?? "");
    return raw.head.startsWith("HTTP/1.1 101 ");
  }, "there is room again");
});

test("a socket that never reads is cut at the cap, while it says that it lives", async () => {
  const [ann, bob] = [await signUp(causerie), await signUp(second)];
  const raw = await openRawSocket(causerie, bob.cookie);
  raw.send("40");
  await new Promise((resolve) => raw.socket.once("data", resolve));
  raw.socket.pause();
  const alive = setInterval(() => raw.send("3"), 1000);
  try {
    const text = "\u{1F40B}".repeat(4000);
    const wide = await causerie.another({ LIMIT_EVENTS_PER_SOCKET: "off" });
    const tab = await connect(wide, ann);
    for (let round = 0; round < 60 && !raw.isClosed(); round += 1) {
      await Promise.all(Array.from({ length: 20 }, () => tab.send(bob.id, text)));
    }
    await eventually(() => raw.isClosed(), "it is cut", 15_000);
  } finally {
    clearInterval(alive);
  }
});
