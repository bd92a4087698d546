import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { messagesIn, openTab } from "../messages/talk.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { type Device, eventually, type Person, request, signUp } from "../support/person.ts";
import { runCommand } from "./command.ts";

const STOP_MS = 10_000;
const causerie = await startCauserie({ WEB_CONCURRENCY: "2" });

/** The process numbers of a node's workers. */
function workersOf({ process: primary }: Causerie): number[] {
  const children = readFileSync(`/proc/${primary.pid}/task/${primary.pid}/children`, "utf8")
    .split(" ")
    .map(Number);
  return children.filter((pid) => pid > 0 && commandOf(pid).includes("src/server.ts"));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Several tabs of one person; connections go to the workers in turn. */
async function openTabs(node: Causerie, person: Person, count: number): Promise<Device[]> {
  const tabs: Device[] = [];
  for (let index = 0; index < count; index += 1) tabs.push(await openTab(node, person));
  return tabs;
}

async function assertAllHear(tabs: Device[], sender: Device, receiver: Person): Promise<void> {
  const { ok, message } = await sender.send(receiver.id, randomUUID());
  assert.ok(ok);
  for (const tab of tabs) await tab.until("receiveMessage", ({ id }) => id === message.id);
}

const connected = (tabs: Device[]) => tabs.filter(({ socket }) => socket.connected);

test("two workers serve one chat, and one that is killed is replaced", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  const [annTabs, bobTabs] = await Promise.all([openTabs(causerie, ann, 4), openTabs(causerie, bob, 4)]);
  const [first, second, ...others] = workersOf(causerie);
  assert.ok(first && second && others.length === 0);
  for (const sender of annTabs) await assertAllHear([...annTabs, ...bobTabs], sender, bob);

  // The primary hands connections out as it likes: so many that each worker has some.
  await eventually(async () => {
    bobTabs.push(...(await openTabs(causerie, bob, 2)));
    return landsAtBoth(bobTabs);
  }, "Bob has tabs at both");
  process.kill(first, "SIGKILL");
  await eventually(() => connected(bobTabs).length < bobTabs.length, "its sockets are cut");
  assert.equal((await request(causerie, bob.cookie, "/")).status, 200);
  await eventually(() => workersOf(causerie).filter((pid) => pid !== first).length === 2, "it is replaced");
  // Not before: of the sockets that were cut some may have noticed it a moment later than others.
  const [survivor] = connected(bobTabs);
  assert.ok(survivor, "those of the other stay");
  // Until the new one serves, every tab lands at the other.
  await eventually(
    async () => {
      const tabs = await openTabs(causerie, ann, 2);
      await assertAllHear([survivor, ...tabs], survivor, ann);
      return landsAtBoth(tabs);
    },
    "both serve again",
    15_000,
  );
  assert.match(causerie.output(), /a worker died and is started anew/);
});

/** Freezes one worker for a moment and sees who still answers. */
async function landsAtBoth(tabs: Device[]): Promise<boolean> {
  const [worker] = workersOf(causerie);
  assert.ok(worker);
  process.kill(worker, "SIGSTOP");
  try {
    const answers = tabs.map(({ socket }) => socket.timeout(300).emitWithAck("watchUsers", { userIds: [] }));
    const settled = await Promise.allSettled(answers);
    return new Set(settled.map(({ status }) => status)).size === 2;
  } finally {
    process.kill(worker, "SIGCONT");
  }
}

test("a taken port ends all of it with one line and status 1", async () => {
  const { port } = new URL(causerie.url);
  const { status, lines } = await runCommand("src/server.ts", [], { ...causerie.environment, PORT: port });
  assert.equal(status, 1);
  assert.deepEqual(lines, [`Port ${port} is in use: stop what uses it, or set PORT to another one.`]);
});

test("asked to stop under load, it ends within 10 s with status 0, and what was acknowledged is stored", async () => {
  const node = await causerie.another();
  const [ann, bob] = await Promise.all([signUp(node), signUp(node)]);
  const tabs = await openTabs(node, ann, 4);
  const { message } = await (tabs[0] as Device).send(bob.id, "begin");
  const workers = workersOf(node);
  const sent = Promise.all(tabs.map((tab) => sendUntilCut(tab, bob)));
  await eventually(async () => (await messagesIn(causerie, message.conversationId)).length > 50, "a load");
  const gone = once(node.process, "exit");
  const since = performance.now();
  node.process.kill("SIGTERM");
  assert.deepEqual(await gone, [0, null], node.output());
  assert.ok(performance.now() - since < STOP_MS);
  assert.deepEqual(workers.map(commandOf), ["", ""]);
  const stored = (await messagesIn(causerie, message.conversationId)).map(({ clientId }) => clientId);
  const acknowledged = (await sent).flat();
  assert.deepEqual(
    acknowledged.filter((clientId) => !stored.includes(clientId)),
    [],
  );
  assert.doesNotMatch(node.output(), /did not answer within|died/);
});

/** Sends one after the other; resolves with what was acknowledged once the socket is cut. */
async function sendUntilCut(tab: Device, receiver: Person): Promise<string[]> {
  const acknowledged: string[] = [];
  while (tab.socket.connected) {
    const clientId = randomUUID();
    const answer = await tab.send(receiver.id, "under load", clientId).catch(() => null);
    if (answer?.ok) acknowledged.push(clientId);
  }
  return acknowledged;
}

test("workers whose primary process was killed end by themselves", async () => {
  const node = await causerie.another();
  const tab = await openTab(node, await signUp(node));
  const workers = workersOf(node);
  assert.equal(workers.length, 2);
  await node.stop("SIGKILL");
  await eventually(() => workers.every((pid) => commandOf(pid) === ""), "they are gone", STOP_MS);
  await eventually(() => tab.socket.disconnected, "their sockets are cut");
});
