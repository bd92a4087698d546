import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";

const MODULE = new URL("../../src/platform/log.ts", import.meta.url).href;
const SCRIPT = `
const { openLog } = await import(${JSON.stringify(MODULE)});
openLog({ production: true, logLevel: "info" });
const { log } = await import(${JSON.stringify(MODULE)});
for (let number = 0; number < 2000; number += 1) log.info({ number }, "é".repeat(50));
setTimeout(() => {
  log.info({ number: 2000 }, "the last");
  throw new Error("broken");
}, 10);`;

test("in production every line is printed, whole and in order, also the last one before a crash", async () => {
  const printed = await new Promise<string>((resolve) => {
    const options = { maxBuffer: 1 << 24 };
    execFile(process.execPath, ["--input-type=module", "--eval", SCRIPT], options, (_error, text) =>
      resolve(text),
    );
  });
  const lines = printed.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).number),
    Array.from({ length: 2001 }, (_each, index) => index),
  );
});
