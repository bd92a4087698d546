import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startCauserie } from "../support/causerie.ts";
import { freePort } from "../support/network.ts";

const SERVER = fileURLToPath(new URL("../../src/server.ts", import.meta.url));
const causerie = await startCauserie();
const folder = mkdtempSync(join(tmpdir(), "causerie-start-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the server where no .env is, and waits for its end. */
async function startAndEnd(environment: Record<string, string>) {
  const env = { PATH: process.env.PATH ?? "", ...environment };
  const child = spawn(process.execPath, [SERVER], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (printed += String(data)));
  const [status] = await once(child, "close");
  clearTimeout(timer);
  return { status, lines: printed.split("\n").filter(Boolean) };
}

test("a port in use ends the start with one line that says what to do", async () => {
  const { port } = new URL(causerie.url);
  const { status, lines } = await startAndEnd({ ...causerie.environment, PORT: port });
  assert.equal(status, 1);
  assert.deepEqual(lines, [`Port ${port} is in use: stop what uses it, or set PORT to another one.`]);
  assert.equal((await fetch(`${causerie.url}/healthz`)).status, 200, "the one that runs goes on");
});

test("an address that is not this machine's ends the start with one line", async () => {
  const { status, lines } = await startAndEnd({ ...causerie.environment, HOST: "192.0.2.1" });
  assert.equal(status, 1);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0] ?? "", /^Cannot listen on 192\.0\.2\.1:.* set HOST to an address of this machine\.$/);
});

test("production without settings ends with a line for each one", async () => {
  const { status, lines } = await startAndEnd({ NODE_ENV: "production" });
  assert.equal(status, 1);
  assert.deepEqual(
    lines.map((line) => line.split(" ")[0]),
    ["PUBLIC_URL", "SESSION_SECRET", "PASSWORD_KEY"],
  );
});

test("a file in the data folder's place ends with one line, before any server is started", async () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  const { status, lines } = await startAndEnd({ DATA_DIR: file, PORT: "0" });
  assert.equal(status, 1);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0] ?? "", /^Cannot write to the data folder /);
});

test("a database that is not there ends with one line that tells its reason and not its password", async () => {
  const port = await freePort();
  const { status, lines } = await startAndEnd({
    ...causerie.environment,
    DATABASE_URL: `mysql://somebody:hush-hush@127.0.0.1:${port}/x`,
  });
  assert.equal(status, 1);
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(
    lines[0] ?? "",
    /^Cannot use the database \(.*ECONNREFUSED.*\): start it, or correct DATABASE_URL\.$/,
  );
  assert.ok(!lines.join().includes("hush-hush"));
});

test("asked to stop it ends in order, with status 0", async () => {
  const node = await causerie.another();
  const gone = once(node.process, "exit");
  node.process.kill("SIGTERM");
  assert.deepEqual(await gone, [0, null]);
  assert.match(node.output(), /stopping/);
  await assert.rejects(fetch(`${node.url}/healthz`));
});

test("nodes that start together on an empty database both get one that is whole", async () => {
  const [row] = await causerie.rows<{ name: string }>("SELECT DATABASE() AS name");
  const name = `${row?.name}_both`;
  const url = new URL(causerie.environment.DATABASE_URL ?? "");
  url.pathname = `/${name}`;
  after(() => causerie.rows(`DROP DATABASE IF EXISTS ${name}`));
  const nodes = await Promise.all([1, 2].map(() => causerie.another({ DATABASE_URL: url.href })));
  for (const node of nodes) assert.equal((await fetch(`${node.url}/readyz`)).status, 200);
  const applied = await causerie.rows<{ name: string }>(`SELECT name FROM ${name}.schema_migrations`);
  assert.equal(new Set(applied.map((each) => each.name)).size, applied.length);
  assert.ok(applied.length >= 1);
  await Promise.all(nodes.map((node) => node.stop()));
});
