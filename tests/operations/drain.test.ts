import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { eventually, request, signUp } from "../support/person.ts";

const causerie = await startCauserie();

test("a form that began before its node was asked to stop is stored and answered", async () => {
  const node = await causerie.another();
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  const { hostname, port, host } = new URL(node.url);
  const socket = connect(Number(port), hostname).setEncoding("utf8");
  after(() => socket.destroy());
  let heard = "";
  socket.on("data", (text) => (heard += text));
  const body = new URLSearchParams({ message: "just in time", clientId: randomUUID() }).toString();
  const lines = [
    `POST /chat/${bob.id}/messages HTTP/1.1`,
    ...[`Host: ${host}`, `Origin: ${node.url}`, `Cookie: ${ann.cookie}`, "Expect: 100-continue"],
    ...["Content-Type: application/x-www-form-urlencoded", `Content-Length: ${body.length}`],
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await eventually(() => heard.startsWith("HTTP/1.1 100"), "the node has begun with it");

  const stopping = node.stop();
  const isRefused = () => request(node, "", "/healthz").then(...[() => false, () => true]);
  await eventually(isRefused, "it takes no more visitors");
  const ended = once(socket, "end");
  socket.write(body);
  await Promise.all([stopping, ended]);

  assert.match(heard, /\r\nHTTP\/1\.1 303 .*\r\nConnection: close\r\n/s);
  assert.equal(node.process.exitCode, 0);
  assert.match(await (await ann.get(`/chat/${bob.id}`)).text(), /just in time/);
});
