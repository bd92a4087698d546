import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { createClient } from "redis";
import {
  ensurePrograms,
  lockDirectory,
  type PrivateStores,
  type PrivateStoresOptions,
  startPrivateStores,
} from "../../src/platform/embedded/embedded.ts";
import { findProcess } from "../../src/platform/embedded/processes.ts";
import { StartError } from "../../src/platform/start-error.ts";

const MODULE = new URL("../../src/platform/embedded/embedded.ts", import.meta.url).href;
const PID_FILES = ["mariadb.pid", "redis.pid"];
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const folders: string[] = [];
const children: ChildProcess[] = [];
let base = "";

before(async () => {
  base = await mkdtemp(join(tmpdir(), "causerie-test-"));
  chmodSync(base, 0o755);
});

after(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const pid of folders.flatMap(serverPids)) kill(pid, "SIGKILL");
  for (const folder of folders) await rm(shortFolderOf(folder), { recursive: true, force: true });
  await rm(base, { recursive: true, force: true, maxRetries: 5 });
});

test("both servers start, answer, keep their data over a restart and leave no process behind", async () => {
  const directory = newFolder("restart");
  const first = await start(directory);
  const pids = serverPids(directory);
  assert.equal(pids.length, 2);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  await query(first, "CREATE DATABASE causerie");
  await query(first, "CREATE TABLE causerie.words (word TEXT)");
  await query(first, "INSERT INTO causerie.words VALUES ('été 🌞')");
  await redis(first, ["SET", "session", "kept"]);
  await first.stop();
  await first.stop();
  assert.deepEqual(pids.filter(isAlive), []);

  const second = await start(directory);
  assert.deepEqual(await query(second, "SELECT word FROM causerie.words"), [{ word: "été 🌞" }]);
  assert.equal(await redis(second, ["GET", "session"]), "kept");
  await second.stop();
});

test("what is acknowledged is on the disk, and nothing listens on a port", async () => {
  const stores = await start(newFolder("settings"));
  const [settings] = await query(
    stores,
    "SELECT @@innodb_flush_log_at_trx_commit flush, @@skip_networking sealed, @@log_bin binlog, " +
      "@@character_set_server charset, @@performance_schema ps",
  );
  assert.deepEqual(settings, { flush: 1, sealed: 1, binlog: 0, charset: "utf8mb4", ps: 0 });
  const expected = {
    port: "0",
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    "maxmemory-policy": "noeviction",
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.deepEqual(await redis(stores, ["CONFIG", "GET", name]), [name, value]);
  }
  await stores.stop();
});

test("the database's cache is an eighth of the memory, but at least 128 MB and at most 2 GB", async () => {
  const stores = await start(newFolder("cache"));
  const [settings] = await query(stores, "SELECT @@innodb_buffer_pool_size / 1048576 AS megabytes");
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const expected = Math.min(Math.max(memory / 8 / 2 ** 20, 128), 2048);
  // The server rounds it to whole pieces.
  assert.ok(Math.abs(Number(settings?.megabytes) - expected) < expected / 50, JSON.stringify(settings));
  await stores.stop();
});

test("a database that starts leaves the temporary tables of another alone", async () => {
  const first = await start(newFolder("temporary"), { redis: false });
  const connection = await connect(first);
  await connection.query("CREATE DATABASE d");
  await connection.query("CREATE TEMPORARY TABLE d.notes (note TEXT) ENGINE=Aria AS SELECT 'kept' AS note");
  const second = await start(newFolder("temporary too"), { redis: false });
  const [rows] = await connection.query<RowDataPacket[]>("SELECT note FROM d.notes");
  assert.deepEqual(rows, [{ note: "kept" }]);
  await connection.query("DROP TEMPORARY TABLE d.notes");
  await connection.end();
  await Promise.all([first.stop(), second.stop()]);
});

test("only what is wanted is started", async () => {
  const directory = newFolder("redis only");
  const stores = await start(directory, { mariadb: false });
  assert.equal(stores.databaseSocket, undefined);
  assert.equal(await redis(stores, ["PING"]), "PONG");
  assert.equal(serverPids(directory).length, 1);
  await stores.stop();
});

test("a second start with the same folder is refused and the first goes on", async () => {
  const directory = newFolder("second");
  const stores = await start(directory, { mariadb: false });
  await assert.rejects(start(directory, { mariadb: false }), {
    name: "StartError",
    message:
      `Causerie is already running with this data folder (process ${process.pid}). ` +
      "Stop it first, or set DATA_DIR to another folder.",
  });
  assert.equal(await redis(stores, ["PING"]), "PONG");
  await stores.stop();
  await (await start(directory, { mariadb: false })).stop();
});

test("of many that start at once over a dead one's lock exactly one gets the folder", async () => {
  const directory = newFolder("race");
  mkdirSync(directory);
  const dead = await lockingChild(directory, Date.now());
  assert.equal(await dead.answer, "locked");
  dead.child.kill("SIGKILL");
  await once(dead.child, "exit");

  const startAt = Date.now() + 700;
  const all = Array.from({ length: 6 }, () => lockingChild(directory, startAt));
  const answers = await Promise.all((await Promise.all(all)).map((each) => each.answer));
  assert.equal(answers.filter((answer) => answer === "locked").length, 1, answers.join("\n"));
  assert.equal(answers.filter((answer) => answer.startsWith("Causerie is already running")).length, 5);
});

test("a lock whose process number belongs to another process by now is free", () => {
  const directory = newFolder("reuse");
  mkdirSync(join(directory, "lock"), { recursive: true });
  writeFileSync(join(directory, "lock", `${process.pid}-otherboot.1-abcdef01`), "");
  lockDirectory(directory)();
  assert.deepEqual(readdirSync(directory), []);
});

test("servers whose app was killed are adopted, watched and stopped by the next", async () => {
  const directory = newFolder("adopt");
  const app = await startInChild(directory);
  const pids = serverPids(directory);
  app.kill("SIGKILL");
  await once(app, "exit");
  assert.deepEqual(pids.filter(isAlive), pids);

  const lines: string[] = [];
  const stores = await start(directory, { log: (line) => lines.push(line) });
  assert.deepEqual(serverPids(directory), pids);
  assert.equal(lines.filter((line) => line.includes("still running")).length, 2);
  const [mariadb, redisServer] = pids;
  kill(redisServer, "SIGKILL");
  const back = await until(() => serverPids(directory).find((pid) => !pids.includes(pid)));
  await until(() => redis(stores, ["PING"]).catch(() => undefined));
  await stores.stop();
  assert.deepEqual([mariadb, redisServer, back].filter(isAlive), []);
});

test("a server that is no longer wanted does not outlive the app that was killed", async () => {
  const directory = newFolder("unwanted");
  const app = await startInChild(directory);
  const pids = serverPids(directory);
  app.kill("SIGKILL");
  await once(app, "exit");
  const stores = await start(directory, { mariadb: false });
  assert.deepEqual(pids.filter(isAlive), pids.slice(1));
  await stores.stop();
  assert.deepEqual(pids.filter(isAlive), []);
});

test("a server that is killed comes back with what it had acknowledged", async () => {
  const directory = newFolder("killed");
  const lines: string[] = [];
  const stores = await start(directory, { log: (line) => lines.push(line) });
  await query(stores, "CREATE DATABASE kept");
  const pids = serverPids(directory);
  for (const pid of pids) kill(pid, "SIGKILL");
  const rows = await until(() => query(stores, "SHOW DATABASES LIKE 'kept'").catch(() => undefined));
  await until(() => redis(stores, ["PING"]).catch(() => undefined));
  assert.equal(rows.length, 1);
  assert.deepEqual(lines.map((line) => line.split(" ")[0]).sort(), ["MariaDB", "Redis"]);
  const revived = serverPids(directory);
  await stores.stop();
  assert.deepEqual([...pids, ...revived].filter(isAlive), []);
});

test("stopping while a server is started again leaves none behind", async () => {
  const directory = newFolder("stop in restart");
  const stores = await start(directory);
  const pids = serverPids(directory);
  kill(pids[0], "SIGKILL");
  const restarted = await until(() => serverPids(directory).find((pid) => !pids.includes(pid)));
  await stores.stop();
  assert.deepEqual([...pids, restarted].filter(isAlive), []);
  assert.deepEqual(serverPids(directory).filter(isAlive), []);
});

test("a frozen server ends in order", async () => {
  const directory = newFolder("frozen");
  const stores = await start(directory);
  const pids = serverPids(directory);
  for (const pid of pids) kill(pid, "SIGSTOP");
  await stores.stop();
  assert.deepEqual(pids.filter(isAlive), []);
  assert.match(readFileSync(join(directory, "mariadb.log"), "utf8"), /Shutdown complete/);
  assert.match(readFileSync(join(directory, "redis.log"), "utf8"), /bye bye/);
});

test("a setup that was cut short is made anew", async () => {
  const directory = newFolder("half made");
  mkdirSync(join(directory, "mariadb.new-1234", "mysql"), { recursive: true });
  const stores = await start(directory, { redis: false });
  assert.equal((await query(stores, "SELECT 1 one")).length, 1);
  await stores.stop();
  assert.deepEqual(readdirSync(directory).sort(), ["mariadb", "mariadb.log", "run"]);
});

test("a folder with spaces and quotes will do", async () => {
  const stores = await start(newFolder("a 'folder' with \"spaces\" $HOME é"));
  assert.equal((await query(stores, "SELECT 1 one")).length, 1);
  assert.equal(await redis(stores, ["PING"]), "PONG");
  await stores.stop();
});

test("a folder too long for a socket gets a short, private one that the next start finds", async () => {
  const directory = newFolder("long ".repeat(12), "longer ".repeat(14), "longest ".repeat(10));
  const app = await startInChild(directory);
  const pids = serverPids(directory);
  app.kill("SIGKILL");
  await once(app, "exit");
  const stores = await start(directory);
  assert.deepEqual(serverPids(directory), pids);
  const folder = shortFolderOf(directory);
  assert.equal(folder, dirname(stores.redisSocket ?? ""));
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal((await query(stores, "SELECT 1 one")).length, 1);
  await stores.stop();

  chmodSync(folder, 0o777);
  await assertRefused(directory, /^\S*causerie-\w+ belongs to another user or is open to others/);
});

test("a file in the folder's place is told in one line", async () => {
  const directory = newFolder("file");
  writeFileSync(directory, "");
  await assertRefused(directory, /cannot be used: there is a file in its place\..*DATA_DIR/);
  await assertRefused(join(directory, "below"), /cannot be used: there is a file in its place\./);
});

test("a folder that this user may not write to is told in one line", async () => {
  const directory = newFolder("unwritable");
  mkdirSync(directory, { mode: 0o500 });
  if (isRoot) chownSync(directory, NOBODY, NOBODY);
  const { child, answer } = await lockingChild(directory, Date.now(), isRoot ? NOBODY : undefined, "start");
  assert.match(await answer, /cannot be used: this user may not write there\..*DATA_DIR/);
  child.kill();
});

test("a start that fails names the log and leaves nothing running", async () => {
  const directory = newFolder("broken");
  await (await start(directory)).stop();
  writeFileSync(join(directory, "mariadb", "ibdata1"), "this is not a database");
  await assertRefused(directory, /^MariaDB did not start\. Its log says why: .*mariadb\.log$/);
  assert.deepEqual(serverPids(directory).filter(isAlive), []);
  lockDirectory(directory)();
});

test("a start that is given up ends what it began", async () => {
  const directory = newFolder("given up");
  const giveUp = new AbortController();
  const starting = start(directory, { signal: giveUp.signal });
  await until(() => serverPids(directory)[0]);
  giveUp.abort(new Error("the rest failed"));
  await assert.rejects(starting, { message: "the rest failed" });
  assert.deepEqual(serverPids(directory).filter(isAlive), []);
  await (await start(directory)).stop();
});

test("programs that are there are left alone", async () => {
  const lines: string[] = [];
  await ensurePrograms([{ program: "sh", package: "dash" }], (line) => lines.push(line));
  assert.deepEqual(lines, []);
});

test("a plain user is told what to type for programs that are missing", {
  skip: !existsSync("/usr/bin/apt-get"),
}, async () => {
  const wanted = JSON.stringify([{ program: "no-such-program", package: "some-package" }]);
  const script = `const { ensurePrograms } = await import(${JSON.stringify(MODULE)});
    await ensurePrograms(${wanted}, console.log).catch((error) => console.log(error.message));`;
  const child = spawnScript(script, isRoot ? NOBODY : undefined);
  assert.equal(
    await firstLine(child),
    "Some programs are missing. Install them with: " +
      "sudo apt-get update && sudo apt-get install -y --no-install-recommends some-package",
  );
});

function newFolder(...parts: string[]): string {
  const folder = join(base, ...parts.map((part) => part.trim()));
  folders.push(folder);
  if (parts.length > 1) mkdirSync(folder, { recursive: true });
  return folder;
}

function start(directory: string, options: Partial<PrivateStoresOptions> = {}): Promise<PrivateStores> {
  return startPrivateStores({ directory, mariadb: true, redis: true, log: () => {}, ...options });
}

async function assertRefused(directory: string, message: RegExp): Promise<void> {
  await assert.rejects(start(directory), (error) => {
    assert(error instanceof StartError, String(error));
    assert.match(error.message, message);
    assert(!error.message.includes("\n"));
    return true;
  });
}

const connect = (stores: PrivateStores) =>
  createConnection({ socketPath: stores.databaseSocket ?? "", user: "root" });

async function query(stores: PrivateStores, sql: string): Promise<RowDataPacket[]> {
  const connection = await connect(stores);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
  } finally {
    await connection.end();
  }
}

async function redis(stores: PrivateStores, command: string[]): Promise<unknown> {
  const client = createClient({
    RESP: 2,
    socket: { path: stores.redisSocket ?? "", tls: false, reconnectStrategy: false },
  });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** An app in a process of its own that can be killed; resolves when its servers run. */
async function startInChild(directory: string): Promise<ChildProcess> {
  const options = `{ directory: ${JSON.stringify(directory)}, mariadb: true, redis: true, log: console.error }`;
  const child = spawnScript(`const { startPrivateStores } = await import(${JSON.stringify(MODULE)});
    await startPrivateStores(${options});
    console.log("started");
    setInterval(() => {}, 1000);`);
  assert.equal(await firstLine(child), "started");
  return child;
}

/** A process that takes the folder's lock, or starts in it, at a given time and says how that went. */
async function lockingChild(
  directory: string,
  startAt: number,
  uid?: number,
  what: "lock" | "start" = "lock",
) {
  const folder = JSON.stringify(directory);
  const act =
    what === "lock"
      ? `lockDirectory(${folder})`
      : `await startPrivateStores({ directory: ${folder}, redis: true })`;
  const child = spawnScript(
    `const { lockDirectory, startPrivateStores } = await import(${JSON.stringify(MODULE)});
    while (Date.now() < ${startAt});
    try { ${act}; console.log("locked"); } catch (error) { console.log(error.message); }
    setInterval(() => {}, 1000);`,
    uid,
  );
  return { child, answer: firstLine(child) };
}

function spawnScript(script: string, uid?: number): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: "/",
    ...(uid !== undefined && { uid, gid: uid }),
  });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert(child.stdout);
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) return String(chunk).trim();
  return "";
}

/** MariaDB's and Redis's process, those that have been started. */
function serverPids(directory: string): number[] {
  return PID_FILES.map((name) => Number(readPidFile(directory, name)[0])).filter((pid) => pid > 0);
}

function shortFolderOf(directory: string): string {
  const socket = readPidFile(directory, "redis.pid")[1] ?? "";
  const folder = dirname(socket);
  return folder.includes("/causerie-") && !folder.startsWith(base) ? folder : join(base, "none");
}

function readPidFile(directory: string, name: string): string[] {
  try {
    return readFileSync(join(directory, "run", name), "utf8").split("\n");
  } catch {
    return [];
  }
}

function isAlive(pid: number | undefined): boolean {
  return pid !== undefined && findProcess(pid) !== undefined;
}

function kill(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid !== undefined && isAlive(pid)) process.kill(pid, signal);
}

async function until<T>(look: () => T | Promise<T>, timeoutMs = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null) return found;
    assert(Date.now() < deadline, "it did not happen in time");
    await sleep(20);
  }
}
