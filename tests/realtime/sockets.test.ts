import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { messagesIn, openTab, settled, startTalk, tableSizes } from "../messages/talk.ts";
import { startCauserie } from "../support/causerie.ts";
import { type Device, eventually, logIn, request, signUp } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);
const talk = await startTalk(causerie);
const { one, two, oneDevice, twoDevice } = talk;

/** Why a handshake was refused; null where it was not. */
function handshake(
  headers: Record<string, string>,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Promise<string | null> {
  const socket = io(causerie.url, {
    ...{ transports: ["websocket"], forceNew: true, reconnection: false, extraHeaders: headers, ...options },
  });
  after(() => void socket.disconnect());
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(null));
    socket.once("connect_error", (error) => resolve(error.message));
  });
}

const isAlive = async () => {
  assert.equal((await fetch(`${causerie.url}/healthz`)).status, 200);
  assert.equal((await twoDevice.ask("watchUsers", { userIds: [] })).ok, true, "open sockets are served");
};

/** Resolves once a socket was cut or refused. */
const endOf = (socket: Socket) =>
  new Promise<string>((resolve) => {
    socket.once("disconnect", () => resolve("cut"));
    socket.once("connect_error", () => resolve("refused"));
  });

const untilCut = (device: Device) => eventually(() => device.socket.disconnected, "the socket is cut", 1000);

test("a handshake without a session, or with one that is not ours, is refused", async () => {
  const origin = causerie.url;
  const forged = one.cookie.replace(/s%3A(.)/, (_, first) => `s%3A${first === "a" ? "b" : "a"}`);
  for (const headers of [
    { origin },
    { origin, cookie: "causerie=abc" },
    { origin, cookie: "causerie=s%3Aabc.def" },
    { origin, cookie: forged },
    { origin, cookie: "locale=fr" },
  ]) {
    assert.equal(await handshake(headers), "unauthorized", JSON.stringify(headers));
  }
  assert.equal(await handshake({ origin, cookie: one.cookie }), null);
});

test("a handshake from a foreign, an opaque or no origin is refused, with a good session too", async () => {
  const { host, port } = new URL(causerie.url);
  for (const origin of [
    ...["https://evil.example", "null", "", `http://${host}.evil.example`, `http://evil.example:${port}`],
    ...["http://127.0.0.1", `http://localhost:${port}`, `${host}`, "file://", "javascript:0"],
  ]) {
    assert.notEqual(await handshake({ cookie: one.cookie, origin }), null, origin);
  }
  assert.notEqual(await handshake({ cookie: one.cookie }), null, "none");
});

test("a session that was ended opens no socket", async () => {
  const person = await signUp(causerie);
  const headers = { origin: causerie.url, cookie: person.cookie };
  assert.equal(await handshake(headers), null);
  await person.post("/logout", {});
  assert.equal(await handshake(headers), "unauthorized");

  const other = await signUp(causerie);
  await redis.del(sessionKeyOf(causerie, other.cookie));
  assert.equal(await handshake({ origin: causerie.url, cookie: other.cookie }), "unauthorized");
});

test("where all of somebody's sessions were ended a new socket is cut before it hears or does anything", {
  timeout: 20_000,
}, async () => {
  const person = await signUp(causerie);
  const open = await openTab(causerie, person);
  await causerie.rows("UPDATE users SET auth_version = auth_version + 1 WHERE id = ?", [person.id]);
  const socket = io(causerie.url, {
    ...{ transports: ["websocket"], forceNew: true, reconnection: false },
    extraHeaders: { origin: causerie.url, cookie: person.cookie },
  });
  after(() => void socket.disconnect());
  const heard: unknown[] = [];
  socket.onAny((...news) => heard.push(news));
  const answers: unknown[] = [];
  const send = { receiverId: one.id, message: "let me in", clientId: randomUUID() };
  socket.emit("sendMessage", send, (answer: unknown) => answers.push(answer));
  const ended = endOf(socket);
  await oneDevice.send(person.id, "a secret");
  await ended;
  assert.deepEqual(heard, []);
  for (const answer of answers) assert.match(JSON.stringify(answer), /"unauthorized"/);
  const rows = await causerie.rows("SELECT 1 FROM messages WHERE sender_id = ?", [person.id]);
  assert.deepEqual(rows, []);
  assert.equal((await person.get("/")).status, 303, "pages ask for a login");
  const fresh = await logIn(causerie, person);
  assert.equal(await handshake({ origin: causerie.url, cookie: fresh.cookie }), null);
  open.socket.disconnect();
});

test("polling is refused, and so is a handshake that is none", async () => {
  const origin = causerie.url;
  assert.notEqual(await handshake({ cookie: one.cookie, origin }, { transports: ["polling"] }), null);
  for (const path of [
    "/socket.io/?EIO=4&transport=polling",
    "/socket.io/?EIO=4&transport=polling&sid=abc",
    "/socket.io/?EIO=3&transport=polling",
    "/socket.io/?EIO=4&transport=webtransport",
    "/socket.io/?EIO=4&transport=__proto__",
    "/socket.io/",
    "/socket.io/?EIO=4&transport=websocket",
    "/socket.io/?EIO=4&transport=websocket&sid=abc",
  ]) {
    for (const method of ["GET", "POST"]) {
      const response = await request(causerie, one.cookie, path, { method });
      assert.ok(response.status >= 400 && response.status < 500, `${method} ${path}: ${response.status}`);
    }
  }
  assert.equal((await fetch(`${causerie.url}/socket.io/socket.io.js`)).status >= 400, true);
  await isAlive();
});

const deep = (depth: number): object => (depth === 0 ? {} : { a: deep(depth - 1), b: [deep(depth - 1)] });

/** What is no object at all. */
const NO_OBJECTS: unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER + 2, "", "text", "{}", "__proto__"],
  ...[[], [1], [null], [{}], [[[[]]]], ["sendMessage", {}]],
];

/** Objects that name no conversation, or name it wrongly. */
const NO_TARGETS: object[] = [
  ...[
    {},
    deep(6),
    { receiverId: "1" },
    { receiverId: { valueOf: 1 } },
    { receiverId: [1] },
    { receiverId: null },
  ],
  ...[{ userId: 0 }, { userId: -1 }, { userId: 1.5 }, { userId: 1e300 }, { userId: 2 ** 53 }],
  ...[{ conversationId: "1 OR 1=1" }, { conversationId: true }, { userId: one.id, conversationId: talk.id }],
  JSON.parse('{"__proto__":{"userId":1},"constructor":{"prototype":{}}}'),
];
const withTargetsWrong = (rest: object) => NO_TARGETS.map((target) => ({ ...rest, ...target }));
const userId = one.id;
const clientId = randomUUID();
const tooMany = Array.from({ length: 201 }, (_, index) => index + 1);

const WRONG: Record<string, object[]> = {
  sendMessage: [
    ...withTargetsWrong({ message: "x", clientId }),
    ...[1, null, ["x"], { toString: "x" }, true, undefined].map((message) => ({ userId, message, clientId })),
    ...["x", "", null, 1, [clientId], {}, `${clientId}0`].map((id) => ({
      userId,
      message: "x",
      clientId: id,
    })),
  ],
  getMessages: [
    ...withTargetsWrong({}),
    ...["0", -1, null, 1e20, {}].map((afterRev) => ({ userId, afterRev })),
    ...["1", 0, 1.5, null, [1]].flatMap((seq) => [
      { userId, beforeSeq: seq },
      { userId, aroundSeq: seq },
    ]),
    ...["5", 0, -1, 201, 1.5, null].map((limit) => ({ userId, limit })),
  ],
  getConversations: [
    ...[1, null, {}, "x".repeat(1001)].map((after) => ({ after })),
    ...["5", 0, -1, 201, 1.5, null].map((limit) => ({ limit })),
    ...[{}, "1", ["1"], [0], [null], tooMany].map((userIds) => ({ userIds })),
  ],
  deliverMessages: [],
  readMessages: [
    ...withTargetsWrong({ seq: 1 }),
    ...["1", -1, null, 1e20, 0.5, [1], undefined].map((seq) => ({ userId, seq })),
    ...[{}, [1], "x", [null], [{ userId }], [{ seq: 1 }], [[]], tooMany.map(() => ({ userId, seq: 1 }))].map(
      (cursors) => ({ cursors }),
    ),
  ],
  typing: [
    ...withTargetsWrong({ typing: true }),
    ...["yes", 1, null, {}, undefined].map((typing) => ({ userId, typing })),
  ],
  watchUsers: [
    {},
    deep(6),
    ...["1", ["1"], [null], [0], [-1], [1.5], {}, tooMany].map((userIds) => ({ userIds })),
  ],
};
WRONG.deliverMessages = WRONG.readMessages ?? [];
const EVENTS = Object.keys(WRONG);

for (const event of EVENTS) {
  test(`whatever comes with ${event} in place of what belongs there is \`invalid\`, and the server lives`, async () => {
    const sizes = await tableSizes(causerie);
    const values = [...NO_OBJECTS, ...(WRONG[event] ?? [])];
    const answers = await Promise.all(values.map((value) => twoDevice.ask(event, value)));
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.error?.code, "invalid", JSON.stringify(values[index])?.slice(0, 100));
      assert.deepEqual(Object.keys(answer).sort(), ["error", "ok"]);
      assert.deepEqual(Object.keys(answer.error).sort(), ["code", "message"]);
    }
    assert.equal((await twoDevice.ask(event)).error?.code, "invalid", "no argument");
    const binary = await twoDevice.ask(event, Buffer.from("binary"));
    // An empty page of the list is asked for by an object without fields.
    assert.equal(binary.ok, event === "getConversations");
    assert.deepEqual(await tableSizes(causerie), sizes);
    await isAlive();
  });
}

test("arguments in the wrong places are refused or left alone, and the server lives", async () => {
  const sizes = await tableSizes(causerie);
  const { socket } = twoDevice;
  const good = { receiverId: one.id, message: "in the wrong place", clientId: randomUUID() };
  const nothing = () => undefined;
  for (const event of EVENTS) {
    socket.emit(event);
    socket.emit(event, null);
    socket.emit(event, nothing, good);
    socket.emit(event, "text", nothing, good);
    for (const values of [[null, good], [[good]], ["x", good], [1, 2, 3, good]]) {
      const answer = await twoDevice.ask(event, ...values);
      assert.equal(answer.error?.code, "invalid", `${event} ${JSON.stringify(values)}`);
    }
  }
  await isAlive();
  assert.deepEqual(await tableSizes(causerie), sizes);
  assert.equal(
    (await twoDevice.ask("sendMessage", good, "more", 1, [2])).ok,
    true,
    "what follows is not looked at",
  );
  assert.equal((await messagesIn(causerie, talk.id)).at(-1)?.message, "in the wrong place");
});

test("a message sent without an acknowledgement is stored and told all the same", async () => {
  const clientId = randomUUID();
  twoDevice.socket.emit("sendMessage", { receiverId: one.id, message: "no answer wanted", clientId });
  const news = await oneDevice.until("receiveMessage", (message) => message.clientId === clientId);
  assert.equal(news.message, "no answer wanted");
});

test("events that nobody serves, and names that mean something to the library, do no harm", async () => {
  const device = await openTab(causerie, two);
  for (const name of [
    "nothing",
    "error",
    "message",
    "toString",
    "__proto__",
    "constructor",
    "",
    "receiveMessage",
  ]) {
    device.socket.emit(name, { message: "x" });
  }
  assert.equal((await device.ask("watchUsers", { userIds: [] })).ok, true);
  for (const packet of [
    ...[
      '2["disconnect"]',
      '2["newListener","x"]',
      '2["connection"]',
      "2[]",
      "2[null]",
      "2[1]",
      '2["sendMessage"',
    ],
    ...[
      "2",
      "2{}",
      '299999999999999999999["typing"]',
      '2-1["typing",{}]',
      "9",
      "5",
      "x",
      "\u0000",
      "0/admin,",
      "0{",
    ],
    ...["51-", '51-["sendMessage",{"_placeholder":true,"num":0}]', '5999999-["x"]', '3["x"]', "31[1,2,3]"],
  ]) {
    const raw = await openTab(causerie, two);
    raw.socket.io.engine.write(packet);
    // Whoever breaks the protocol may be cut; nobody else may be.
    const outcome = await Promise.race([
      raw.ask("watchUsers", { userIds: [] }).then(
        () => "served",
        () => "neither",
      ),
      endOf(raw.socket),
    ]);
    assert.notEqual(outcome, "neither", JSON.stringify(packet));
  }
  assert.equal(
    (await device.ask("watchUsers", { userIds: [] })).ok,
    true,
    "another socket of the same person",
  );
  await isAlive();
  await settled(oneDevice, one, twoDevice);
});

test("a frame over the limit cuts the socket it came by, and no other", async () => {
  const [big, same] = await Promise.all([openTab(causerie, two), openTab(causerie, two)]);
  const clientId = randomUUID();
  big.socket.emit("sendMessage", { receiverId: one.id, message: "x".repeat(70_000), clientId });
  await eventually(() => big.socket.disconnected, "the socket is cut");
  assert.equal((await same.ask("watchUsers", { userIds: [] })).ok, true);
  const binary = await openTab(causerie, two);
  binary.socket.emit("sendMessage", Buffer.alloc(70_000));
  await eventually(() => binary.socket.disconnected, "the socket is cut");
  await isAlive();
  const rows = await messagesIn(causerie, talk.id);
  assert.ok(rows.every((row) => row.clientId !== clientId));
  const largest = await same.send(one.id, "\u{1f31e}".repeat(4000));
  assert.equal(largest.ok, true, "the largest message fits");
  assert.equal((await same.send(one.id, "é".repeat(30_000))).error?.code, "too_large");
});

test("logging out cuts the session's sockets within a second, and nobody else's", async () => {
  const person = await signUp(causerie);
  const elsewhere = await logIn(causerie, person);
  const [first, second, other] = await Promise.all([
    openTab(causerie, person),
    openTab(causerie, person),
    openTab(causerie, elsewhere),
  ]);
  const response = await person.post("/logout", {});
  assert.equal(response.status, 303);
  await Promise.all([untilCut(first), untilCut(second)]);
  assert.equal((await other.ask("watchUsers", { userIds: [] })).ok, true);
  assert.equal(await redis.exists(sessionKeyOf(causerie, person.cookie)), 0);
  assert.equal(await handshake({ origin: causerie.url, cookie: person.cookie }), "unauthorized");

  const clientId = randomUUID();
  await oneDevice.send(person.id, "after the logout", clientId);
  await other.until("receiveMessage", (message) => message.clientId === clientId);
  for (const device of [first, second]) assert.deepEqual(device.news("receiveMessage"), []);
});

test("a logout in the middle of many handshakes leaves no socket open", { timeout: 20_000 }, async () => {
  for (let round = 0; round < 3; round += 1) {
    const person = await signUp(causerie);
    const sockets = Array.from({ length: 10 }, () => {
      const socket = io(causerie.url, {
        ...{ transports: ["websocket"], forceNew: true, reconnection: false },
        extraHeaders: { origin: causerie.url, cookie: person.cookie },
      });
      after(() => void socket.disconnect());
      return socket;
    });
    const ends = sockets.map(endOf);
    // Some handshakes are through by now, some are on their way.
    await Promise.race(
      sockets.map((socket) => new Promise<void>((resolve) => socket.once("connect", resolve))),
    );
    await person.post("/logout", {});
    await Promise.all(ends);
    assert.ok(sockets.every((socket) => !socket.connected));
  }
});

test("answers are in the person's language", async () => {
  const person = await signUp(causerie);
  await person.post("/locale", { locale: "fr" });
  const device = await openTab(causerie, person);
  const french = await device.send(one.id, "   ");
  const english = await twoDevice.send(one.id, "   ");
  assert.equal(english.error?.message, "Write something first.");
  assert.equal(french.error?.code, "invalid");
  assert.notEqual(french.error?.message, english.error?.message);
});
