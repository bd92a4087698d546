import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseUsername, suffixesOf, usernameKey } from "../../src/users/usernames.ts";

/** Names of few letters, so that parts of them repeat, and of everything that names may hold. */
const letter = fc.constantFrom(..."aábBéﬁſẞßσςΣİıKåÅ한ㅎनि𝒜ﷺ_.-7", "e\u0301", "\u0327", "\u0345", "ͺ");
const name = fc
  .array(letter, { minLength: 1, maxLength: 12 })
  .map((letters) => parseUsername(letters.join("")))
  .filter((username) => username !== null);
const anyText = fc.string({ unit: "binary", maxLength: 40 });

/** How often the list's two statements find a key: by its beginning, and by the stored endings. */
function timesFound(key: string, wanted: string): number {
  const length = [...wanted].length;
  const inside = suffixesOf(key).filter(
    ({ suffix, freshFrom }) => suffix.startsWith(wanted) && freshFrom <= length,
  );
  return (key.startsWith(wanted) ? 1 : 0) + inside.length;
}

test("a search for any part of a name finds it, and finds it once", () => {
  fc.assert(
    fc.property(name, fc.nat(), fc.nat(), (username, from, to) => {
      const key = usernameKey(username);
      const characters = [...key];
      const start = from % characters.length;
      const part = characters.slice(start, start + 1 + (to % (characters.length - start))).join("");
      assert.equal(timesFound(key, part), 1, `${part} in ${key}`);
    }),
    { numRuns: 2000 },
  );
});

test("a search finds exactly the names that contain it", () => {
  const wanted = fc
    .array(letter, { minLength: 1, maxLength: 4 })
    .map((letters) => usernameKey(letters.join("")));
  fc.assert(
    fc.property(name, wanted, (username, part) => {
      fc.pre(part !== "");
      const key = usernameKey(username);
      assert.equal(timesFound(key, part), key.includes(part) ? 1 : 0, `${part} in ${key}`);
    }),
    { numRuns: 2000 },
  );
});

test("a part typed in other case or without accents is the same part", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(..."abcéèñσΣoδ"), { minLength: 2, maxLength: 12 }),
      fc.nat(),
      (letters, at) => {
        const username = letters.join("");
        const part = letters.slice(at % letters.length).join("");
        const key = usernameKey(username);
        for (const typed of [part, part.toUpperCase(), part.toLowerCase(), part.normalize("NFD")]) {
          assert.ok(key.includes(usernameKey(typed)), `${typed} in ${key}`);
        }
      },
    ),
  );
});

test("case, accents, forms and blanks around never make another name", () => {
  fc.assert(
    fc.property(name, (username) => {
      const key = usernameKey(username);
      const spellings = [username.normalize("NFD"), username.normalize("NFKC"), ` ${username}\t`, key];
      for (const spelling of spellings) assert.equal(usernameKey(spelling), key, spelling);
      assert.equal(usernameKey(username.normalize("NFD").replace(/[\u0300-\u036f]/g, "")), key);
    }),
    { numRuns: 2000 },
  );
});

test("a key never ends or begins with a blank, whatever is typed", () => {
  fc.assert(
    fc.property(anyText, (typed) => {
      const key = usernameKey(typed);
      assert.equal(key, key.trim());
      assert.doesNotMatch(key, /[\u0300-\u036f]/);
      assert.equal(key, key.normalize("NFC"));
    }),
  );
});

test("what is taken for a name always fits its column and shows as it was meant", () => {
  const typed = fc.oneof(
    anyText,
    fc.array(letter, { maxLength: 40 }).map((letters) => letters.join("")),
  );
  fc.assert(
    fc.property(typed, (text) => {
      const username = parseUsername(text);
      if (username === null) return;
      assert.equal(username, text.trim().normalize("NFC"));
      assert.match(username, /^[\p{L}\p{M}\p{Nd}_.-]{2,32}$/u);
      const key = usernameKey(username);
      assert.ok(key !== "" && [...key].length <= 64);
      for (const { suffix, freshFrom } of suffixesOf(key)) {
        assert.ok(key.endsWith(suffix) && suffix.length < key.length);
        assert.ok(freshFrom >= 1 && freshFrom <= 255);
      }
    }),
    { numRuns: 2000 },
  );
});

test("names that are no names are refused", () => {
  const bad = [
    "",
    " ",
    "a",
    "a b",
    "a\0b",
    "a\u202eb",
    "a\u200db",
    "🌞🌞",
    "a/b",
    "a@b",
    "a'b",
    "<b>",
    "{{a}}",
  ];
  for (const typed of [...bad, "x".repeat(33), "\ud800\ud800", "\u0301\u0301", "ﷺ".repeat(4)]) {
    assert.equal(parseUsername(typed), null, JSON.stringify(typed));
  }
});

test("characters are counted, not UTF-16 units", () => {
  assert.equal(parseUsername("𝔘".repeat(32)), "𝔘".repeat(32));
  assert.equal(parseUsername("𝔘".repeat(33)), null);
  assert.equal(parseUsername("𝔘"), null);
  assert.deepEqual(
    suffixesOf(usernameKey("𐐨b")).map(({ suffix }) => suffix),
    ["b"],
  );
});
