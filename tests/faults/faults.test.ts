import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD } from "./check.ts";
import { runTrial } from "./trial.ts";

const SEED = 20_261_121;

test("a minute of faults loses, doubles, misorders, invents and leaks nothing", async (t) => {
  const result = await runTrial({ seed: SEED, ms: 35_000, atLeast: 12 });
  for (const kind of BAD) assert.equal(result[kind], 0, `${kind}: ${result.examples.join("; ")}`);
  assert.ok(result.acknowledged > 100, `only ${result.acknowledged} messages were acknowledged`);
  assert.equal(result.convergence.never, 0, "somebody was not up to date 30 s after the last fault");
  assert.ok(result.presenceMs <= 30_000, "somebody was a ghost for over 30 s");
  t.diagnostic(`${result.acknowledged} acknowledged, ${Object.keys(result.counts).length} kinds of fault`);
});
