import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { avatarUrl, drawAvatar } from "../../src/users/avatars.ts";
import { startCauserie } from "../support/causerie.ts";
import { request, signUp } from "../support/person.ts";

const causerie = await startCauserie();

test("drawings have no style attributes, no scripts and refer to nothing outside", () => {
  for (let id = 1; id <= 300; id += 1) {
    const svg = drawAvatar(String(id));
    assert.match(svg, /^<svg [\s\S]*<\/svg>$/, `${id}`);
    assert.doesNotMatch(svg, /style|<script|\son\w+=|href|url\(|@import/i, `${id}`);
    assert.match(svg, / fill="#[0-9a-f]{3,8}"/i, `${id}: what the styles said is kept as attributes`);
  }
});

test("the same person always has the same drawing, others another one", () => {
  const drawings = new Set(Array.from({ length: 200 }, (_, index) => drawAvatar(String(index + 1))));
  assert.equal(drawings.size, 200);
  assert.equal(drawAvatar("7"), drawAvatar("7"));
});

test("an avatar is an immutable picture of this server, compressed where the browser can", async () => {
  const url = avatarUrl(7);
  for (const [encoding, expected] of [
    ["br", "br"],
    ["gzip", "gzip"],
    ["identity", null],
  ] as const) {
    const response = await request(causerie, "", url, { headers: { "accept-encoding": encoding } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "image/svg+xml");
    assert.equal(response.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(response.headers.get("content-encoding"), expected);
    assert.match(response.headers.get("vary") ?? "", /Accept-Encoding/i);
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(await response.text(), drawAvatar("7"));
  }
});

test("it tells nothing of whether the person exists", async () => {
  const person = await signUp(causerie);
  const somebody = await request(causerie, "", avatarUrl(person.id));
  const nobody = await request(causerie, "", avatarUrl(999_999_999));
  assert.equal(somebody.status, 200);
  assert.equal(nobody.status, 200);
});

test("addresses that name no person have nothing", async () => {
  const files = [
    "0.svg",
    "-1.svg",
    "01.svg",
    "1.5.svg",
    "1e3.svg",
    "x.svg",
    "1.png",
    "1",
    "1.svg.svg",
    "1-.svg",
    "1-02.svg",
    "2-1.svg",
    "1-1.svg",
    `${Array.from({ length: 25 }, (_, index) => index + 1).join("-")}.svg`,
    ".svg",
  ];
  const strange = [
    "12345678901234567890.svg",
    "%00.svg",
    "%ff.svg",
    "1%2f2.svg",
    "..%2f..%2fpackage.json",
    "１.svg",
  ];
  for (const file of [...files, ...strange, "__proto__.svg", "<script>.svg", "{{7}}.svg", "1'--.svg"]) {
    const response = await request(causerie, "", `/avatars/1/${file}`);
    assert.ok([400, 404].includes(response.status), `${file}: ${response.status}`);
    assert.doesNotMatch(await response.text(), /<svg[^>]*viewBox="0 0 231/, file);
  }
  assert.equal((await request(causerie, "", "/avatars/1/0.svg")).status, 404);
  assert.equal((await request(causerie, "", "/avatars/2/1.svg")).status, 404);
});

test("the list and the conversation show avatars of this server, loaded when they come into view", async () => {
  const [person, other] = [await signUp(causerie), await signUp(causerie)];
  const html = await (await person.get(`/?q=${other.name}`)).text();
  const [, src = ""] =
    new RegExp(`<a href="/chat/${other.id}"[^]*?<img class="avatar a1" src="([^"]+)"`).exec(html) ?? [];
  assert.equal(src, `/avatars/1/${person.id}-${other.id}.svg`, "one request for everybody in the list");
  assert.match(html, new RegExp(`<img class="avatar" src="${src}" [^>]*loading="lazy"`), "oneself is in it");
  const sheet = await (await person.get(src)).text();
  for (const { id } of [person, other]) {
    const shapes = drawAvatar(String(id)).replace(/^<svg[^>]*>/, "");
    assert.ok(sheet.includes(shapes), "the sheet holds what each has alone");
  }
  const chat = await (await person.get(`/chat/${other.id}`)).text();
  assert.match(
    chat,
    new RegExp(`<picture><source .*?><img class="avatar a\\d+" src="${avatarUrl(other.id)}"`),
  );
});

const sheetOf = (first: number) =>
  `/avatars/1/${Array.from({ length: 24 }, (_, index) => first + index).join("-")}.svg`;
let nextId = 1_000_000;
const newSheet = () => {
  nextId += 24;
  return sheetOf(nextId);
};

/** Seconds of processor time that the node has used. */
function processorS(): number {
  const fields = readFileSync(`/proc/${causerie.process.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test("sheets that nobody asked for before are drawn beside everything else, not instead of it", async () => {
  const [since, before] = [performance.now(), processorS()];
  const end = since + 4000;
  const askOn = async () => {
    while (performance.now() < end) assert.equal((await request(causerie, "", newSheet())).status, 200);
  };
  await Promise.all(Array.from({ length: 10 }, askOn));
  const share = (processorS() - before) / ((performance.now() - since) / 1000);
  assert.ok(share < 0.7, `${share} of a core`);
});

test("whoever asks for more than can be drawn soon is told to come back; what is kept is still shown", async () => {
  const person = await signUp(causerie);
  const known = sheetOf(7);
  assert.equal((await request(causerie, "", known)).status, 200);
  const answers = Promise.all(Array.from({ length: 120 }, () => request(causerie, "", newSheet())));
  const others = await Promise.all([request(causerie, "", known), person.get("/")]);
  assert.deepEqual(
    others.map(({ status }) => status),
    [200, 200],
  );
  const refused = (await answers).filter(({ status }) => status === 429);
  assert.ok(refused.length >= 50, `${refused.length} refused`);
  for (const { headers } of refused) {
    assert.ok(Number(headers.get("retry-after")) > 0);
    assert.equal(headers.get("cache-control"), "no-store");
  }
  assert.equal((await request(causerie, "", newSheet())).status, 200, "and drawn again soon");
});
