import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { promisify } from "node:util";
import { batched } from "../../src/platform/batched.ts";
import { withDeadline } from "../../src/platform/deadline.ts";

/** Asking together, and waiting no longer than may be. */

test("the questions of one turn are asked together, each key once, and what nobody knows is undefined", async () => {
  const asked: number[][] = [];
  const double = batched(async (keys: number[]) => {
    asked.push(keys);
    return new Map(keys.filter((key) => key > 0).map((key) => [key, key * 2]));
  });
  assert.deepEqual(await Promise.all([double(1), double(2), double(1), double(-1)]), [2, 4, 2, undefined]);
  assert.equal(await double(3), 6);
  assert.deepEqual(asked, [[1, 2, -1], [3]]);
});

test("a failure is told to all who asked together, and to nobody after them", async () => {
  let times = 0;
  const ask = batched(async (keys: string[]) => {
    times += 1;
    if (times === 1) throw new Error("away");
    return new Map(keys.map((key) => [key, key]));
  });
  const answers = await Promise.allSettled([ask("a"), ask("b")]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(await ask("a"), "a");
});

test("what does not come in time is given up", async () => {
  const never = new Promise(() => undefined);
  await assert.rejects(withDeadline(never, 20, "nobody"), /nobody did not answer within 20 ms/);
});

test("what came in time counts, also where this process was too busy to look", async () => {
  const bytes = promisify(randomBytes);
  // From here on the loop comes to timers that are due before it reads anything.
  await new Promise(setImmediate);
  const answer = withDeadline(bytes(16), 50, "the system");
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  assert.equal((await answer).length, 16);
});
