import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

/** How many items each section of ASVS 5.0.0 has at levels 1 and 2; they stand before those of level 3 only. */
const SECTIONS: Record<string, number> = {
  ...{ "V1.1": 2, "V1.2": 9, "V1.3": 11, "V1.4": 3, "V1.5": 2, "V2.1": 3, "V2.2": 3, "V2.3": 4, "V2.4": 1 },
  ...{ "V3.2": 2, "V3.3": 4, "V3.4": 6, "V3.5": 5, "V3.7": 2, "V4.1": 3, "V4.2": 1, "V4.3": 2, "V4.4": 4 },
  ...{ "V5.1": 1, "V5.2": 3, "V5.3": 2, "V5.4": 3, "V6.1": 3, "V6.2": 12, "V6.3": 4, "V6.4": 4, "V6.5": 5 },
  ...{ "V6.6": 3, "V6.8": 4, "V7.1": 3, "V7.2": 4, "V7.3": 2, "V7.4": 5, "V7.5": 2, "V7.6": 2, "V8.1": 2 },
  ...{
    "V8.2": 3,
    "V8.3": 1,
    "V8.4": 1,
    "V9.1": 3,
    "V9.2": 4,
    "V10.1": 2,
    "V10.2": 2,
    "V10.3": 4,
    "V10.4": 11,
  },
  ...{
    "V10.5": 5,
    "V10.6": 2,
    "V10.7": 3,
    "V11.1": 2,
    "V11.2": 3,
    "V11.3": 3,
    "V11.4": 4,
    "V11.5": 1,
    "V11.6": 1,
  },
  ...{
    "V12.1": 3,
    "V12.2": 2,
    "V12.3": 4,
    "V13.1": 1,
    "V13.2": 5,
    "V13.3": 2,
    "V13.4": 5,
    "V14.1": 2,
    "V14.2": 4,
  },
  ...{
    "V14.3": 3,
    "V15.1": 3,
    "V15.2": 3,
    "V15.3": 7,
    "V16.1": 1,
    "V16.2": 5,
    "V16.3": 4,
    "V16.4": 3,
    "V16.5": 3,
  },
  ...{ "V17.1": 1, "V17.2": 4, "V17.3": 2 },
};
const TESTED_MIN = 60;

const text = await readFile("docs/security.md", "utf8");
const rows = [...text.matchAll(/^\| (V[\d.]+) \| [^|]+ \| ([^|]+) \| (.+) \|$/gm)].map(
  ([, item = "", how = "", where = ""]) => ({ item, how, where }),
);

test("every item of ASVS 5.0 at levels 1 and 2 is in docs/security.md once, in its order", () => {
  const wanted = Object.entries(SECTIONS).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
  );
  assert.equal(wanted.length, 253);
  assert.deepEqual(rows.map(({ item }) => item).sort(), wanted.sort());
});

test("each is tested, met by design, the operator's or not applicable, and many are tested", () => {
  const kinds = new Set(["tested", "by design", "operator", "not applicable"]);
  assert.deepEqual(
    rows.filter(({ how }) => !kinds.has(how)),
    [],
  );
  assert.ok(rows.filter(({ how }) => how === "tested").length >= TESTED_MIN);
});

test("every test that docs/security.md names exists", async () => {
  for (const { item, how, where } of rows) {
    const named = [...where.matchAll(/`(tests\/[^`]+)`: “([^”]+)”/g)];
    if (how === "tested") assert.ok(named.length > 0, `${item} names no test`);
    for (const [, path = "", name = ""] of named) {
      const file = await readFile(path, "utf8").catch(() => "");
      assert.ok(
        file.includes(`test("${name}"`) || file.includes(`test(\`${name}\``),
        `${item}: ${path} has no “${name}”`,
      );
    }
  }
  for (const [, path = ""] of text.matchAll(/`((?:tests|src)\/[\w./-]+\.ts)`/g)) await readFile(path);
});
