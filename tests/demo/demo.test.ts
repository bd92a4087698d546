import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { logIn, newName, signUp } from "../support/person.ts";

/** `npm run demo` on the database of a node that runs beside it. */
const causerie = await startCauserie({ REGISTRATION: "open" });
const HOST = { name: "Camille", password: "demo-password" };
const FILL_MS = 120_000;

async function fill(): Promise<string> {
  const child = spawn(process.execPath, ["src/demo/demo.ts"], {
    env: { PATH: process.env.PATH ?? "", ...causerie.environment },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: FILL_MS,
  });
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.equal(code, 0, printed);
  return printed;
}

test("the demo fills a chat once, whose administrator is one of its people", async () => {
  assert.match(
    await fill(),
    /^Filled with \d+ people, \d+ conversations and \d+ messages\.\nLog in as Camille/,
  );
  const host = await logIn(causerie, HOST);
  assert.equal((await host.get("/admin")).status, 200);
  const newcomer = await signUp(causerie, newName());
  assert.equal((await newcomer.get("/admin")).status, 404, "whoever registers next is nobody special");
  assert.match(await fill(), /already filled; nothing was changed/);
});
