import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { isLocale, locales, negotiateLocale, translate } from "../../src/platform/i18n.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string) => readFileSync(`${ROOT}${file}`, "utf8");
const catalogue = (locale: string): Record<string, string> => JSON.parse(read(`locales/${locale}.json`));
const en = catalogue("en");
const codes = locales.map(({ code }) => code);
const placeholders = (text = "") => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test("English and French can be chosen, each under its own name", () => {
  assert.deepEqual(
    locales.toSorted((a, b) => a.code.localeCompare(b.code)),
    [
      { code: "en", name: "English" },
      { code: "fr", name: "Français" },
    ],
  );
});

for (const code of codes) {
  test(`the catalogue ${code} has every key once, with the same placeholders and words in it`, () => {
    const other = catalogue(code);
    assert.deepEqual(Object.keys(other).sort(), Object.keys(en).sort());
    const written = [...read(`locales/${code}.json`).matchAll(/^ {2}"([^"]+)":/gm)].map((match) => match[1]);
    assert.equal(new Set(written).size, written.length, "a key that comes twice hides the first");
    for (const [key, text] of Object.entries(other)) {
      assert.deepEqual(placeholders(text), placeholders(en[key]), key);
      assert.ok(text.trim() !== "" && text === text.trim(), key);
      assert.doesNotMatch(text, /<|>|&\w+;/, `${key} is text, not markup`);
    }
  });
}

/** Keys that code and templates name, without those that are put together from parts. */
function usedKeys(): Map<string, string> {
  const used = new Map<string, string>();
  const note = (file: string, pattern: RegExp) => {
    for (const [, key = ""] of read(file).matchAll(pattern)) used.set(key, file);
  };
  for (const file of globSync("views/**/*.hbs", { cwd: ROOT })) note(file, /[{(]t "([^"]+)"/g);
  for (const file of globSync("src/**/*.ts", { cwd: ROOT })) {
    note(file, /\btranslate\([^;`]*?"([a-z]+\.[^"]+)"/g);
    note(file, /new Refusal\(\s*"\w+",\s*"([^"]+)"/g);
    note(
      file,
      /"((?:auth|chat|day|deletion|errors|password|people|sessions|settings|state|status|time|twoStep)\.[\w.]+)"/g,
    );
  }
  return used;
}

const exists = (key: string) => key in en || (`${key}.one` in en && `${key}.other` in en);

test("every sentence that code or a template names is in the catalogues", () => {
  const used = usedKeys();
  assert.ok(used.size > 80, `${used.size} found`);
  // The beginnings by which code sorts refusals to their fields.
  const beginnings = ["auth.error.username", "auth.error.password"];
  const missing = [...used].filter(([key]) => !exists(key) && !beginnings.includes(key));
  assert.deepEqual(missing, []);
});

test("every status that an error may have has a heading", () => {
  const statuses = [...read("src/platform/errors.ts").matchAll(/^ {2}\w+: (\d{3}),$/gm)].map(
    (match) => match[1],
  );
  assert.ok(statuses.length >= 9);
  for (const status of [...statuses, "500"]) assert.ok(exists(`errors.${status}.heading`), status);
});

test("values are put in as they are, once, and only where a placeholder stands", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      assert.equal(translate("en", "chat.with", { name }), `Chat with: ${name}`);
    }),
  );
  assert.equal(translate("en", "chat.with", { name: "{name}$&{other}" }), "Chat with: {name}$&{other}");
  assert.equal(translate("en", "chat.with", {}), "Chat with: {name}");
});

test("a count chooses the sentence by the language's own rules", () => {
  const text = (locale: string, count: number) => translate(locale, "people.unread", { count });
  assert.equal(text("en", 1), "1 unread");
  assert.equal(text("fr", 1), "1 non lu");
  assert.equal(text("fr", 0), "0 non lu");
  assert.equal(text("fr", 2), "2 non lus");
});

test("a key or a language that does not exist is still an answer", () => {
  assert.equal(translate("xx", "auth.login"), "Login");
  assert.equal(translate("en", "no.such.key"), "no.such.key");
  assert.equal(isLocale("__proto__"), false);
  assert.equal(isLocale(["en"]), false);
});

test("the browser's first language with a catalogue is taken, English otherwise", () => {
  assert.equal(negotiateLocale(["de", "fr-CH", "en"]), "fr");
  assert.equal(negotiateLocale(["EN-us", "fr"]), "en");
  assert.equal(negotiateLocale(["*"]), "en");
  assert.equal(negotiateLocale([]), "en");
});
