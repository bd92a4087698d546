import fc from "fast-check";
import type { Random } from "../../faults/random.ts";

/** What is put where something else belongs. Made once by fast-check from the seed, then drawn from at random. */
export interface Values {
  /** Anything that JSON can say. */
  anything: readonly unknown[];
  texts: readonly string[];
  bytes: readonly Buffer[];
}

const POOL = 3000;

/** Texts that mean something to some parser on the way. */
const CORPUS = [
  ...[
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "null",
    "undefined",
    "true",
    "[]",
    "{}",
    "\0",
    "\r\n\r\n",
    "\u2028",
  ],
  ...[
    "' OR '1'='1",
    "1; DROP TABLE users; --",
    "' UNION SELECT password_hash FROM users --",
    "\\'; --",
    "%' --",
  ],
  ...[
    "<script>alert(1)</script>",
    "{{constructor}}",
    "\u0024{7*7}",
    "<%= 7 %>",
    "#{7}",
    "{{#with this}}{{/with}}",
  ],
  ...["../../../../etc/passwd", "..%2f..%2f", "%00", "%", "%E0%A4%A", "file:///etc/passwd", "//evil.example"],
  ...["__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "$where", "$gt"],
  ...[
    "\ud800",
    "\udfff\ud800",
    "🌞".repeat(50),
    "é\u0301".repeat(40),
    "\u202e",
    "ﷺ".repeat(30),
    "İ",
    "ß",
    "ſ",
  ],
  ...[
    "a".repeat(5000),
    "9".repeat(400),
    "-0",
    "0x10",
    "1_000",
    "９",
    "1\n2",
    "\ufeff",
    "() { :; };",
    "%s%n%p",
  ],
  ...["9007199254740993", "2147483648", "-9223372036854775809", "00000000-0000-0000-0000-000000000000"],
];

export function valuesFrom(seed: number): Values {
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...CORPUS) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 120 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }) },
  );
  const number = fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger());
  const anything = fc.oneof(
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.jsonValue({ maxDepth: 4 }).filter(isShort),
  );
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const options = { seed, numRuns: POOL };
  return {
    texts: fc.sample(text, options),
    anything: fc.sample(anything, options),
    bytes: fc.sample(bytes, options),
  };
}

const TEXT_MAX = 2000;
const isShort = (value: unknown) => JSON.stringify(value).length < TEXT_MAX;

/** One in `of`. */
export const chance = (random: Random, of: number) => random.next() * of < 1;

const UUIDS = ["0b7e3a52-7f0e-4b57-9f53-0d3a7a1c2f11", "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"];

/** What would really fit a field of this name, so that inputs get past the first check. */
export function plausible(random: Random, field: string): unknown {
  if (/^(userId|receiverId|conversationId)$/.test(field)) return random.between(1, 8);
  if (/Seq$|Rev$|^seq$/.test(field)) return random.between(0, 20);
  if (field === "limit") return random.between(1, 200);
  if (field === "clientId") return random.pick(UUIDS);
  if (field === "userIds") return [random.between(1, 8), random.between(1, 8)];
  if (field === "typing") return chance(random, 2);
  return "text";
}
