import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { messagesIn, openTab } from "../messages/talk.ts";
import { eventually, signUp } from "../support/person.ts";
import { startOnOwnStores } from "./own-stores.ts";

const run = promisify(execFile);
const DISK_MB = 256;
const ANSWER_MS = 10_000;
const BACK_MS = 10_000;
const disk = mkdtempSync(join(tmpdir(), "causerie-disk-"));

const refused = await mount();
if (refused) {
  rmSync(disk, { recursive: true });
  test("a full disk", { skip: `no disk of its own to fill: ${refused}` });
} else {
  await testOnSmallDisk();
}

/** A small disk in memory; returns why there is none. */
async function mount(): Promise<string | null> {
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m,mode=700`, "tmpfs", disk]);
    return null;
  } catch (error) {
    return String(error instanceof Error ? error.message : error).trim();
  }
}

async function unmount(): Promise<void> {
  await run("umount", [disk]);
  rmSync(disk, { recursive: true });
}

async function testOnSmallDisk(): Promise<void> {
  const directory = join(disk, "data");
  mkdirSync(directory);
  const { causerie } = await startOnOwnStores({ directory }).catch(async (error) => {
    await unmount();
    throw error;
  });
  after(unmount);

  test("with a full disk nothing is acknowledged that is not stored, and with space again all goes on", async () => {
    const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
    const tab = await openTab(causerie, ann);
    const { message } = await tab.send(bob.id, "begin");
    const outcomes = new Map<string, string>();
    const send = async () => {
      const clientId = randomUUID();
      const text = `${clientId} ${"😀".repeat(1900)}`;
      const sent = tab.socket.timeout(ANSWER_MS).emitWithAck("sendMessage", {
        ...{ receiverId: bob.id, message: text, clientId },
      });
      const answer = await sent;
      outcomes.set(clientId, answer.ok ? "ok" : answer.error.code);
      return answer.ok;
    };

    fill(join(disk, "filler"));
    // What the tables' files still hold is used up first.
    let isFull = false;
    while (!isFull) isFull = (await Promise.all(Array.from({ length: 16 }, send))).includes(false);
    for (let round = 0; round < 4; round += 1) await send();
    assert.equal((await fetch(`${causerie.url}/healthz`)).status, 200, "it lives");
    assert.equal((await ann.get(`/chat/${bob.id}`)).status, 200, "what is there can be read");

    rmSync(join(disk, "filler"));
    await eventually(send, "sends are stored again", BACK_MS);
    const codes = [...outcomes.values()];
    assert.deepEqual(
      codes.filter((code) => !["ok", "unavailable", "unknown"].includes(code)),
      [],
    );
    const stored = await messagesIn(causerie, message.conversationId);
    assert.deepEqual(
      stored.map(({ seq }) => seq),
      stored.map((_, index) => index + 1),
    );
    const ids = stored.slice(1).map(({ clientId }) => clientId);
    const withCode = (code: string) => [...outcomes.keys()].filter((id) => outcomes.get(id) === code);
    assert.deepEqual(
      withCode("ok").filter((id) => !ids.includes(id)),
      [],
    );
    assert.deepEqual(
      withCode("unavailable").filter((id) => ids.includes(id)),
      [],
    );
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(withCode("unavailable").length > 0, JSON.stringify(codes));
  });
}

/** Takes what space there is. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let size = 1 << 20; size >= 4096; size >>= 1) writeWhilePossible(file, Buffer.alloc(size, 1));
  } finally {
    closeSync(file);
  }
}

function writeWhilePossible(file: number, block: Buffer): void {
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
