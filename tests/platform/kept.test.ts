import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accountOf,
  changed,
  conversationTopic,
  EVERYBODY,
  everythingChanged,
  presenceTopic,
  type Topic,
  viewOf,
} from "../../src/platform/changes.ts";
import { Kept } from "../../src/platform/kept.ts";

const [A, B, C, D, E, G, H] = [viewOf(1), viewOf(2), viewOf(3), viewOf(4), viewOf(5), viewOf(6), viewOf(7)];

/** Something kept, with a count of how often it was made. */
function openKept({ maxAgeMs = 60_000, maxBytes = 100 } = {}) {
  const kept = new Kept<string>(maxAgeMs, 1);
  kept.resize(maxBytes);
  let times = 0;
  const get = (key: string, topics: Topic[], during: () => void = () => undefined) =>
    kept.get(key, async () => {
      times += 1;
      const value = `${key} ${times}`;
      await Promise.resolve();
      during();
      return { value, topics, bytes: 10 };
    });
  return { get, made: () => times, kept };
}

test("what was made is given again while nothing it depends on has changed", async () => {
  const { get } = openKept();
  assert.equal(await get("page", [A, B]), "page 1");
  changed([C]);
  assert.equal(await get("page", [A, B]), "page 1");
  changed([B]);
  assert.equal(await get("page", [A, B]), "page 2");
  everythingChanged();
  assert.equal(await get("page", [A, B]), "page 3");
});

test("what changed while it was made is given once and not kept", async () => {
  const { get } = openKept();
  assert.equal(await get("page", [D], () => changed([D])), "page 1");
  assert.equal(await get("page", [D]), "page 2");
  assert.equal(await get("page", [D]), "page 2");
});

test("many who ask at the same time get what is made once, but nobody what was begun before a change", async () => {
  const { get, made } = openKept();
  const first = [get("page", [E]), get("page", [E])];
  changed([E]);
  const later = [get("page", [E]), get("page", [E])];
  assert.deepEqual(await Promise.all(first), ["page 1", "page 1"]);
  assert.deepEqual(await Promise.all(later), ["page 2", "page 2"]);
  assert.equal(await get("page", [E]), "page 2", "the later one is what is kept");
  assert.equal(made(), 2);
});

test("what is being made serves those who ask after a change of something else", async () => {
  const { get, made } = openKept();
  const first = get("page", [G]);
  changed([H]);
  assert.deepEqual(await Promise.all([first, get("page", [G])]), ["page 1", "page 1"]);
  assert.equal(made(), 1);
});

test("of one number each kind is another topic", () => {
  const topics = [viewOf(1), accountOf(1), conversationTopic(1), presenceTopic(1), EVERYBODY];
  const next = [viewOf(2), accountOf(2), conversationTopic(2), presenceTopic(2)];
  assert.equal(new Set([...topics, ...next]).size, topics.length + next.length);
});

test("a failure is told to whoever asked, and the next one tries again", async () => {
  const { kept, get } = openKept();
  await assert.rejects(
    kept.get("page", () => Promise.reject(new Error("away"))),
    /away/,
  );
  assert.equal(await get("page", []), "page 1");
});

test("memory is bounded: what was used longest ago goes first, and what is too large is not kept", async () => {
  const { get, kept } = openKept({ maxBytes: 25 });
  await get("one", []);
  await get("two", []);
  assert.equal(await get("one", []), "one 1");
  await get("three", []);
  assert.equal(await get("one", []), "one 1");
  assert.equal(await get("two", []), "two 4", "two was used longest ago");
  const huge = await kept.get("huge", async () => ({ value: "huge", topics: [], bytes: 26 }));
  assert.equal(huge, "huge");
  assert.equal(await get("huge", []), "huge 5");
});

test("without memory nothing is kept", async () => {
  const { get } = openKept({ maxBytes: 0 });
  assert.equal(await get("page", []), "page 1");
  assert.equal(await get("page", []), "page 2");
});

test("what is too old is made anew", async () => {
  const { get } = openKept({ maxAgeMs: 0 });
  assert.equal(await get("page", []), "page 1");
  assert.equal(await get("page", []), "page 2");
});
