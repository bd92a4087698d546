import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal } from "../../src/platform/errors.ts";
import { GroupCommit, type GroupCommitOptions } from "../../src/platform/group-commit.ts";

/** A store whose commits end when the test says so. */
function openStore(options: Partial<GroupCommitOptions<number, string>> = {}) {
  const batches: { items: number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const begun: (() => void)[] = [];
  const group = new GroupCommit<number, string>({
    commit: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, end: () => resolve(items.map((item) => `stored ${item}`)), fail: reject });
        begun.shift()?.();
      }),
    sizeOf: () => 1,
    ...{ batchItems: 100, batchBytes: 100, queueItems: 100, queueBytes: 100, waitMs: 10_000, ...options },
  });
  /** The commit with this number, once it has begun. */
  const batch = async (index: number) => {
    while (batches.length <= index) await new Promise<void>((resolve) => begun.push(resolve));
    const found = batches[index];
    assert.ok(found);
    return found;
  };
  return { group, batch, batches };
}

const isUnavailable = (error: unknown) => error instanceof Refusal && error.code === "unavailable";

test("what arrives while a commit is under way makes the next batch, in order", async () => {
  const { group, batch, batches } = openStore();
  const first = group.submit(1);
  await batch(0);
  const later = [2, 3, 4].map((item) => group.submit(item));
  assert.equal(batches.length, 1, "one commit at a time");
  (await batch(0)).end();
  assert.equal(await first, "stored 1");
  const second = await batch(1);
  assert.deepEqual(second.items, [2, 3, 4]);
  second.end();
  assert.deepEqual(await Promise.all(later), ["stored 2", "stored 3", "stored 4"]);
  assert.equal(batches.length, 2);
});

test("what arrives in one turn of the event loop is one batch", async () => {
  const { group, batch, batches } = openStore();
  const all = [1, 2, 3].map((item) => group.submit(item));
  const only = await batch(0);
  assert.deepEqual(only.items, [1, 2, 3]);
  only.end();
  await Promise.all(all);
  assert.equal(batches.length, 1);
});

test("nothing is answered before its commit has ended", async () => {
  const { group, batch } = openStore();
  let answered = false;
  const answer = group.submit(1).then(() => (answered = true));
  const only = await batch(0);
  await new Promise(setImmediate);
  assert.equal(answered, false);
  only.end();
  await answer;
  assert.equal(answered, true);
});

test("a batch is cut at its number of items and at its bytes, and the order stays", async () => {
  const byItems = openStore({ batchItems: 2 });
  const answers = [1, 2, 3, 4, 5].map((item) => byItems.group.submit(item));
  for (const [index, items] of [[1, 2], [3, 4], [5]].entries()) {
    const batch = await byItems.batch(index);
    assert.deepEqual(batch.items, items);
    batch.end();
  }
  await Promise.all(answers);

  const byBytes = openStore({ batchBytes: 10, sizeOf: (item) => item });
  const more = [4, 6, 1, 20, 3].map((item) => byBytes.group.submit(item));
  for (const [index, items] of [[4, 6], [1], [20], [3]].entries()) {
    const batch = await byBytes.batch(index);
    assert.deepEqual(batch.items, items, "one item alone may be larger than a batch");
    batch.end();
  }
  await Promise.all(more);
});

test("beyond the queue's items what comes is refused at once, and there is room again after a commit", async () => {
  const { group, batch } = openStore({ queueItems: 2 });
  const first = group.submit(1);
  const running = await batch(0);
  const waiting = [group.submit(2), group.submit(3)];
  await assert.rejects(group.submit(4), isUnavailable);
  running.end();
  await first;
  const next = await batch(1);
  assert.deepEqual(next.items, [2, 3]);
  const late = group.submit(5);
  next.end();
  await Promise.all(waiting);
  const last = await batch(2);
  assert.deepEqual(last.items, [5], "what was refused is never stored");
  last.end();
  await late;
});

test("beyond the queue's bytes what comes is refused at once, and bytes are given back", async () => {
  const { group, batch } = openStore({ queueBytes: 10, sizeOf: (item) => item });
  const first = group.submit(9);
  await assert.rejects(group.submit(2), isUnavailable);
  const running = await batch(0);
  const second = group.submit(10);
  await assert.rejects(group.submit(1), isUnavailable);
  running.end();
  await first;
  (await batch(1)).end();
  await second;
  const third = group.submit(10);
  (await batch(2)).end();
  assert.equal(await third, "stored 10");
});

test("what waited too long for its turn is refused and never stored; what is being committed is not", async () => {
  const { group, batch, batches } = openStore({ waitMs: 80, queueBytes: 2 });
  const first = group.submit(1);
  const running = await batch(0);
  const late = [group.submit(2), group.submit(3)];
  for (const refused of late) await assert.rejects(refused, isUnavailable);
  const room = [group.submit(4), group.submit(5)];
  running.end();
  assert.equal(await first, "stored 1");
  const next = await batch(1);
  assert.deepEqual(next.items, [4, 5], "the late ones gave their room back");
  next.end();
  await Promise.all(room);
  assert.equal(batches.length, 2);
});

test("a commit that fails rejects its own batch and no other", async () => {
  const { group, batch } = openStore({ batchItems: 2 });
  const [one, two, three] = [1, 2, 3].map((item) => group.submit(item));
  const outcomes = Promise.allSettled([one, two, three]);
  (await batch(0)).fail(new Error("broken"));
  (await batch(1)).end();
  assert.deepEqual(
    (await outcomes).map((outcome) =>
      outcome.status === "fulfilled" ? outcome.value : String(outcome.reason),
    ),
    ["Error: broken", "Error: broken", "stored 3"],
  );
});

test("a commit with too few outcomes rejects the ones it left out", async () => {
  const { group } = openStore({ commit: async (items) => items.slice(1).map(String) });
  const outcomes = await Promise.allSettled([group.submit(1), group.submit(2)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
});

test("draining waits for what is being committed and for what waits behind it", async () => {
  const { group, batch } = openStore({ batchItems: 1 });
  await group.drain();
  const answers = [group.submit(1), group.submit(2)];
  let drained = false;
  const draining = group.drain().then(() => (drained = true));
  (await batch(0)).end();
  await answers[0];
  assert.equal(drained, false);
  (await batch(1)).end();
  await draining;
  assert.equal(await answers[1], "stored 2");
  const again = group.submit(3);
  (await batch(2)).end();
  assert.equal(await again, "stored 3", "it goes on after it was drained");
});

test("a queue that was closed refuses what comes, and answers what it had", async () => {
  const commits = new GroupCommit<number, number>({
    commit: async (items) => items.map((item) => item * 2),
    sizeOf: () => 1,
    ...{ batchItems: 10, batchBytes: 10, queueItems: 10, queueBytes: 10, waitMs: 1000 },
  });
  const before = commits.submit(21);
  const closed = commits.close();
  await assert.rejects(commits.submit(1), { code: "unavailable" });
  assert.equal(await before, 42);
  await closed;
});
