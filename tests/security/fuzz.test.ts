import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { connect, signUp } from "../support/person.ts";
import { FUZZ_SETTINGS, fuzz } from "./fuzz/fuzz.ts";
import { tableOf } from "./fuzz/report.ts";

const SHORT_S = 6;
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000);
const minutes = Number(process.env.FUZZ_MINUTES ?? 0);
const seconds = minutes > 0 ? minutes * 60 : SHORT_S;
const GROWTH_MAX_MB = 150;
const causerie = await startCauserie({ ...FUZZ_SETTINGS, LOG_LEVEL: "error" });

test("whatever is sent, nothing crashes, nothing answers 500, and memory does not grow", {
  timeout: seconds * 1000 + 60_000,
}, async () => {
  const [one, other] = [await signUp(causerie), await signUp(causerie)];
  const [tab, otherTab] = [await connect(causerie, one), await connect(causerie, other)];
  const outcome = await fuzz(causerie, seed, seconds);
  const command = `npm run test:security -- --seed ${seed}${minutes > 0 ? ` --minutes ${minutes}` : ""}`;
  console.log(tableOf(outcome, command));
  const log = causerie
    .output()
    .split("\n")
    .filter((line) => /a request failed|an event failed|^\S+ error /.test(line));
  assert.deepEqual([outcome.tally.faults, outcome.crashed, log.slice(0, 5)], [[], false, []]);
  for (const kind of ["requests", "raw requests", "events", "raw frames"] as const) {
    assert.ok((outcome.tally.inputs.get(kind) ?? 0) > 20, kind);
  }
  const { warm, after } = outcome.memory;
  assert.ok(after - warm < GROWTH_MAX_MB, `from ${warm} to ${after} MB`);

  assert.equal((await tab.send(other.id, "after all that")).ok, true, "others are served as before");
  await otherTab.until("receiveMessage", ({ message }) => message === "after all that");
});
