import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls, getCACertificates, setDefaultCACertificates } from "node:tls";
import { io, type Socket } from "socket.io-client";
import { messagesIn, openTab } from "../messages/talk.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { freePort } from "../support/network.ts";
import { type Answer, eventually, type Person, request, signUp } from "../support/person.ts";
import { findNginx, makeCertificate, startNginx } from "./nginx.ts";

const folder = mkdtempSync(join(tmpdir(), "causerie-nginx-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const found = await findNginx(folder);
if ("reason" in found) test("nginx in front of two nodes", { skip: found.reason });
else await testThrough(found.program);

async function testThrough(program: string): Promise<void> {
  const certificate = await makeCertificate(folder);
  setDefaultCACertificates([...getCACertificates(), certificate.pem]);
  const [https, http, firstPort, secondPort] = await Promise.all([1, 2, 3, 4].map(() => freePort()));
  assert.ok(https && http && firstPort && secondPort);
  await startNginx(program, join(folder, "two-nodes"), certificate, {
    https,
    http,
    nodes: [firstPort, secondPort],
  });
  const METRICS_TOKEN = randomUUID();
  const settings = { PUBLIC_URL: `https://localhost:${https}`, TRUST_PROXY: "1", METRICS_TOKEN };
  const first = await startCauserie({ ...settings, PORT: String(firstPort) });
  const second = await first.another({ PORT: String(secondPort) });
  const site: Causerie = { ...first, url: settings.PUBLIC_URL };
  const node = (port: number) => `http://127.0.0.1:${port}`;

  test("registering through it gives a cookie for https alone, and browsers are told to stay", async () => {
    const body = new URLSearchParams({
      username: `u${randomUUID().slice(0, 8)}`,
      password: "a good password",
    });
    const response = await request(site, "", "/register", { method: "POST", body });
    assert.equal(response.status, 303);
    const sessions = response.headers
      .getSetCookie()
      .filter((cookie) => cookie.startsWith("__Host-causerie="));
    assert.match(sessions.join(), /^__Host-causerie=.*; HttpOnly; Secure; SameSite=Lax$/);
    assert.match(response.headers.get("strict-transport-security") ?? "", /^max-age=31536000/);
    const login = await request(site, "", "/login", { method: "POST", body });
    assert.deepEqual([login.status, login.headers.get("location")], [303, "/"]);
  });

  test("HTTP/2 is spoken, plain http and other names are not", async () => {
    const session = connectHttp2(site.url);
    const answer = session.request({ ":path": "/healthz" });
    const [headers] = await once(answer, "response");
    assert.deepEqual([headers[":status"], session.alpnProtocol], [200, "h2"]);
    session.destroy();
    const plain = await fetch(`http://localhost:${http}/chat/7?x=1`, { redirect: "manual" });
    assert.deepEqual([plain.status, plain.headers.get("location")], [301, `${site.url}/chat/7?x=1`]);
    await assert.rejects(fetch(`http://127.0.0.1:${http}/`), "another name gets no answer");
    const stranger = connectTls({ port: https, host: "127.0.0.1", servername: "other.example" });
    await assert.rejects(once(stranger, "secureConnect"), /unrecognized name/);
  });

  test("the stores' state and the metrics are not for visitors", async () => {
    for (const path of ["/readyz", "/metrics"]) assert.equal((await request(site, "", path)).status, 404);
    assert.equal((await fetch(`${node(firstPort)}/readyz`)).status, 200);
  });

  test("the logs hold no link that lets somebody in, and all other addresses", async () => {
    const token = `made-up-${randomUUID()}`;
    const links = [`/reset/${token}`, `/invitation/${token}`, `/INVITATION/${token}?x=${token}`];
    for (const path of links) await request(site, "", path);
    const from = { referer: `${site.url}/reset/${token}` };
    await request(site, "", `/login?from=test-${token.length}`, { headers: from });
    await request(site, "", `/login?next=${encodeURIComponent(`/invitation/${token}`)}`);
    await fetch(`http://localhost:${http}/reset/${token}`, { redirect: "manual" });
    await request(site, "", "/login?last=1");
    const read = (name: string) => readFileSync(join(folder, "two-nodes", name), "utf8");
    await eventually(() => read("access.log").includes("/login?last=1"), "the last line");
    const log = read("access.log");
    assert.ok(!log.includes(token) && !read("error.log").includes(token));
    assert.match(log, /"GET \/reset\/- HTTP\/1\.1" 404 /);
    assert.match(log, /"GET \/INVITATION\/- HTTP\/1\.1" 200 /);
    assert.match(log, /"GET \/login\?from=test-44 HTTP\/1\.1" 200 \d+ "https:\/\/localhost:\d+\/reset\/-" /);
    assert.match(log, /"GET \/login\?next=%2Finvitation%2F- HTTP\/1\.1" /);
  });

  test("the longest message passes, a body over the limit is refused by the app's own page", async () => {
    const [ann, bob] = await Promise.all([signUp(site), signUp(site)]);
    const longest = "😀".repeat(2000);
    const sent = await ann.post(`/chat/${bob.id}/messages`, { message: longest, clientId: randomUUID() });
    assert.equal(sent.status, 303);
    const over = { message: "x".repeat(70_000), clientId: randomUUID() };
    const tooLarge = await ann.post(`/chat/${bob.id}/messages`, over);
    assert.equal(tooLarge.status, 413);
    assert.match(await tooLarge.text(), /<body/);
  });

  test("what strangers claim about where they come from does not reach a node", async () => {
    const heard: IncomingHttpHeaders[] = [];
    const echo = createServer((request, response) => {
      heard.push(request.headers);
      response.end();
    });
    await once(echo.listen(0, "127.0.0.1"), "listening");
    after(() => echo.close());
    const address = echo.address();
    assert.ok(address && typeof address === "object");
    const [ownHttps, ownHttp] = await Promise.all([freePort(), freePort()]);
    const ports = { https: ownHttps, http: ownHttp, nodes: [address.port, address.port] as [number, number] };
    await startNginx(program, join(folder, "echo"), certificate, ports);
    const lies = {
      "x-forwarded-for": "203.0.113.7, 198.51.100.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "evil.example",
      forwarded: "for=203.0.113.7;proto=http",
    };
    for (const path of ["/", "/socket.io/?EIO=4&transport=websocket"]) {
      await fetch(`https://localhost:${ownHttps}${path}`, { headers: lies });
      const headers = heard.pop();
      const told = ["host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"];
      assert.deepEqual(
        told.map((name) => headers?.[name]),
        ["localhost", "127.0.0.1", "https", "localhost", undefined],
        path,
      );
    }
  });

  /** How many sockets each node has. */
  async function socketsByNode(): Promise<number[]> {
    const counts = [firstPort, secondPort].map(async (port) => {
      const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
      const text = await (await fetch(`${node(port ?? 0)}/metrics`, { headers })).text();
      return Number(/^causerie_sockets (\d+)/m.exec(text)?.[1]);
    });
    return Promise.all(counts);
  }

  test("a socket over wss at each node hears what is sent through the other", async () => {
    const [ann, bob] = await Promise.all([signUp(site), signUp(site)]);
    const [annTab, bobTab] = [await openTab(site, ann), await openTab(site, bob)];
    assert.deepEqual(await socketsByNode(), [1, 1]);
    const { message } = await annTab.send(bob.id, "from one to the other");
    assert.equal((await bobTab.until("receiveMessage")).id, message.id);
    const back = await bobTab.send(ann.id, "and back");
    await annTab.until("receiveMessage", ({ id }) => id === back.message.id);
    annTab.socket.disconnect();
    bobTab.socket.disconnect();
    await eventually(async () => (await socketsByNode()).join() === "0,0", "both are gone");
  });

  // Last, because it ends a node.
  test("a node that is drained while people talk costs no message and shows nobody an error", async () => {
    const [ann, bob] = await Promise.all([signUp(site), signUp(site)]);
    const [writer, reader] = [openLasting(site, ann), openLasting(site, bob)];
    await eventually(() => writer.connected && reader.connected, "both are connected");
    await eventually(async () => (await socketsByNode()).join() === "1,1", "each at a node of its own");
    const conversation = await begin(writer, bob.id);
    const seen = collect(reader, ann.id);

    const isOver = new AbortController();
    const sent: string[] = [];
    const posted: Posted = { statuses: [], clientIds: [] };
    const talking = [
      sendUntil(isOver.signal, writer, bob.id, sent),
      postUntil(isOver.signal, bob, ann.id, posted),
    ];
    const more = (count: number) => {
      const [sends, posts] = [sent.length + count, posted.statuses.length + count];
      const isSaid = () => sent.length >= sends && posted.statuses.length >= posts;
      return eventually(isSaid, "both go on talking", 20_000);
    };
    await more(4);
    const since = performance.now();
    const stopping = second.stop().then(() => performance.now() - since);
    await more(4);
    const tookMs = await stopping;
    await eventually(() => writer.connected && reader.connected, "both are connected again", 10_000);
    await more(8);
    isOver.abort();
    await Promise.all(talking);

    assert.equal(second.process.exitCode, 0);
    assert.ok(tookMs < 10_000, `stopped within 10 s: ${tookMs}`);
    assert.deepEqual(
      posted.statuses.filter((each) => ![200, 303].includes(each)),
      [],
      "pages and forms",
    );
    const stored = await messagesIn(site, conversation);
    const said = (own: boolean) =>
      stored.filter(({ senderId }) => (senderId === ann.id) === own).map(({ clientId }) => clientId);
    assert.deepEqual(said(true).slice(1), sent, "every message once, in order");
    assert.deepEqual(said(false), posted.clientIds);
    assert.deepEqual(
      stored.map(({ seq }) => seq),
      stored.map((_, index) => index + 1),
    );
    await eventually(() => seen.size === stored.length, "the reader has all of them");
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A socket as the page's: it connects again by itself. */
function openLasting(site: Causerie, { cookie }: Pick<Person, "cookie">): Socket {
  const socket = io(site.url, {
    ...{ transports: ["websocket"], forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1000 },
    extraHeaders: { cookie, origin: site.url },
  });
  after(() => void socket.disconnect());
  return socket;
}

async function begin(socket: Socket, receiverId: number): Promise<number> {
  const send = { receiverId, message: "begin", clientId: randomUUID() };
  const { message } = await socket.timeout(5000).emitWithAck("sendMessage", send);
  return message.conversationId;
}

/** The numbers of what a reader knows, live or by asking after a reconnect. */
function collect(socket: Socket, userId: number): Set<number> {
  const seen = new Set<number>();
  const catchUp = async () => {
    for (let afterRev = 0, more = true; more; ) {
      const page: Answer = await socket
        .timeout(5000)
        .emitWithAck("getMessages", { userId, afterRev, limit: 200 })
        .catch(() => ({ ok: false }));
      if (!page.ok) return;
      for (const message of page.messages) seen.add(message.seq);
      afterRev = page.messages.at(-1)?.rev ?? afterRev;
      more = page.more;
    }
  };
  socket.on("receiveMessage", (message: Answer) => seen.add(message.seq));
  socket.on("connect", catchUp);
  void catchUp();
  return seen;
}

/** Sends one after the other, each again under the same `clientId` until it is acknowledged. */
async function sendUntil(
  signal: AbortSignal,
  socket: Socket,
  receiverId: number,
  sent: string[],
): Promise<void> {
  while (!signal.aborted) {
    const send = { receiverId, message: `by socket ${sent.length}`, clientId: randomUUID() };
    for (let answer: Answer = { ok: false }; !answer.ok; ) {
      answer = await socket
        .timeout(1000)
        .emitWithAck("sendMessage", send)
        .catch(() => ({ ok: false }));
      if (!answer.ok) await pause(50);
    }
    sent.push(send.clientId);
  }
}

/** What the forms and pages of somebody came to so far. */
interface Posted {
  statuses: number[];
  clientIds: string[];
}

/** A page and a form, one after the other, as without scripts. */
async function postUntil(
  signal: AbortSignal,
  person: Person,
  userId: number,
  { statuses, clientIds }: Posted,
): Promise<void> {
  while (!signal.aborted) {
    const clientId = randomUUID();
    const fields = { message: `by form ${clientIds.length}`, clientId };
    statuses.push((await person.post(`/chat/${userId}/messages`, fields)).status);
    clientIds.push(clientId);
    statuses.push((await person.get(`/chat/${userId}`)).status);
  }
}
