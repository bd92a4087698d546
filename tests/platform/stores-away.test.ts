import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import mysql from "mysql2/promise";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm } from "../support/forms.ts";
import { type Line, openLine } from "../support/network.ts";
import { eventually, newName, request, signUp } from "../support/person.ts";

/** What people are told while a store is away: the app is reached over lines that the tests cut. */

const { TEST_DATABASE_URL = "", TEST_REDIS_URL = "" } = process.env;
const database = new URL(TEST_DATABASE_URL);
const [toDatabase, toRedis] = [
  await openLine(end(database, 3306)),
  await openLine(end(new URL(TEST_REDIS_URL), 6379)),
];

function end(url: URL, port: number): { path: string } | { host: string; port: number } {
  const path = url.searchParams.get("socketPath") ?? (url.protocol === "unix:" ? url.pathname : null);
  return path === null ? { host: url.hostname, port: Number(url.port) || port } : { path };
}

const name = `causerie_test_${randomBytes(6).toString("hex")}`;
const DATABASE_URL = `mysql://${database.username || "root"}:${database.password}@127.0.0.1:${toDatabase.port}/${name}`;
const redis = new URL(TEST_REDIS_URL);
const login = redis.username || redis.password ? `${redis.username}:${redis.password}@` : "";
const REDIS_URL = `redis://${login}127.0.0.1:${toRedis.port}`;
const causerie = await startCauserie({ DATABASE_URL, REDIS_URL });
after(async () => {
  const connection = await mysql.createConnection({ uri: TEST_DATABASE_URL });
  await connection.query(`DROP DATABASE IF EXISTS ${name}`);
  await connection.end();
});

const readiness = async () => {
  const response = await request(causerie, "", "/readyz");
  return { status: response.status, body: await response.json() };
};

async function whileCut(line: Line, work: () => Promise<void>): Promise<void> {
  await line.cut();
  try {
    await work();
  } finally {
    await line.mend();
    await eventually(async () => (await readiness()).status === 200, "it can serve again", 10_000);
  }
}

for (const [store, line] of [
  ["Redis", toRedis],
  ["the database", toDatabase],
] as const) {
  test(`while ${store} is away pages say so in words or as data, and come back with it`, async () => {
    const person = await signUp(causerie);
    await whileCut(line, async () => {
      const page = await person.get("/settings");
      assert.equal(page.status, 503);
      assert.ok(Number(page.headers.get("retry-after")) > 0);
      const html = await page.text();
      assert.match(html, /<h1>Back in a moment<\/h1>/);
      assert.match(html, /href="\/">Back to the chat<\/a>/);
      assert.match(html, /Reference: [0-9a-f-]{36}/);
      assert.doesNotMatch(html, /ECONN|Error|at \w+ \(/);
      const data = await person.get("/", { accept: "application/json" });
      assert.equal(data.status, 503);
      const { error }: { error: { code: string } } = JSON.parse(await data.text());
      assert.equal(error.code, "unavailable");
      assert.equal((await request(causerie, "", "/healthz")).status, 200, "it is alive all the same");
      const ready = await readiness();
      assert.equal(ready.status, 503);
      const standing = { database: line !== toDatabase, redis: line !== toRedis };
      assert.deepEqual(ready.body, { ready: false, draining: false, ...standing });
    });
    assert.equal((await person.get("/settings")).status, 200, "the login stands");
  });

  test(`while ${store} is away nobody gets in or is let in half`, async () => {
    const { name: username, password } = await signUp(causerie);
    const unborn = newName();
    await whileCut(line, async () => {
      for (const [path, fields] of [
        ["/login", { username, password }],
        ["/register", { username: unborn, password }],
      ] as const) {
        const response = await postForm(causerie, path, fields);
        assert.equal(response.status, 503, path);
        assert.deepEqual(response.headers.getSetCookie(), []);
        assert.ok(!(await response.text()).includes(password));
      }
    });
    assert.equal((await postForm(causerie, "/login", { username, password })).status, 303);
    const again = await postForm(causerie, "/register", { username: unborn, password });
    assert.equal(again.status, 303, "the name is still to be had");
  });
}

test("forms for strangers are shown while the database is away", async () => {
  await whileCut(toDatabase, async () => {
    const html = await (await request(causerie, "", "/login?next=/settings")).text();
    assert.equal(fieldValue(html, "next"), "/settings");
  });
});
