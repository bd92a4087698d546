import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import mysql, { type Pool, type RowDataPacket } from "mysql2/promise";
import { createClient } from "redis";

/** The real app as a process of its own, with a database and Redis keys of its own, for one test file. */
export interface Causerie {
  url: string;
  /** Everything it printed so far. */
  output: () => string;
  /** Rows of a statement in its database. */
  rows: <Row extends object>(sql: string, values?: (string | number | Buffer)[]) => Promise<Row[]>;
  /** Redis keys begin with this. */
  redisPrefix: string;
  environment: Record<string, string>;
  process: ChildProcess;
  /** Asks it to stop as an operator would, and waits until it is gone. */
  stop: (signal?: NodeJS.Signals) => Promise<void>;
  /** One more process on the same stores: another node, or the same after a stop. */
  another: (overrides?: Record<string, string>) => Promise<Causerie>;
}

/** A test file's people all come from one address, and some of them in a crowd. */
export const LIMITS_OFF = {
  ...{ LIMIT_REGISTER_PER_ADDRESS: "off", LIMIT_LOGIN_PER_ADDRESS: "off", LIMIT_SOCKETS_PER_ADDRESS: "off" },
  ...{ LIMIT_SEND_PER_USER: "off", LIMIT_EVENTS_PER_SOCKET: "off", LIMIT_SEARCH_PER_USER: "off" },
};

const STOP_MS = 15_000;
const START_MS = 30_000;

/** Starts a node and stops it after the file's tests, also when they fail. `overrides` are settings. */
export async function startCauserie(overrides: Record<string, string> = {}): Promise<Causerie> {
  const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env;
  if (!TEST_DATABASE_URL || !TEST_REDIS_URL) throw new Error("run tests with: npm test -- FILE …");
  const name = `causerie_test_${randomBytes(6).toString("hex")}`;
  const database = new URL(TEST_DATABASE_URL);
  database.pathname = `/${name}`;
  const dataDir = mkdtempSync(join(tmpdir(), "causerie-data-"));
  const environment = {
    ...{ HOST: "127.0.0.1", PORT: "0", DATABASE_URL: database.href, REDIS_URL: TEST_REDIS_URL },
    ...{ REDIS_PREFIX: `${name}:`, BCRYPT_COST: "4", DATA_DIR: dataDir, NODE_ENV: "test" },
    ...LIMITS_OFF,
    ...overrides,
  };
  const pool = mysql.createPool({ uri: database.href, timezone: "Z", connectionLimit: 2 });
  after(async () => {
    await pool.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => undefined);
    await pool.end();
    rmSync(dataDir, { recursive: true, force: true });
    await removeKeys(TEST_REDIS_URL, `${name}:`);
  });
  return startNode(environment, pool);
}

async function startNode(environment: Record<string, string>, pool: Pool): Promise<Causerie> {
  const child = spawn(process.execPath, ["src/server.ts"], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (printed += String(data)));
  const stop = (signal: NodeJS.Signals = "SIGTERM") => stopProcess(child, signal);
  after(() => stop("SIGKILL"));
  return {
    url: await addressOf(child, () => printed),
    output: () => printed,
    rows: async <Row extends object>(sql: string, values: (string | number | Buffer)[] = []) => {
      const [rows] = await pool.query<(Row & RowDataPacket)[]>(sql, values);
      return rows;
    },
    redisPrefix: environment.REDIS_PREFIX ?? "",
    environment,
    process: child,
    stop,
    another: (overrides = {}) => startNode({ ...environment, ...overrides }, pool),
  };
}

function addressOf(child: ChildProcess, printed: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it did not start:\n${printed()}`)), START_MS);
    child.on("message", (message: { address?: string }) => {
      clearTimeout(timer);
      if (message.address) resolve(message.address.replace("localhost", "127.0.0.1"));
    });
    child.on("exit", (code) => reject(new Error(`it ended with ${code}:\n${printed()}`)));
  });
}

async function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(timer);
}

async function removeKeys(url: string, prefix: string): Promise<void> {
  const client = createClient(
    url.startsWith("unix:")
      ? { socket: { path: decodeURIComponent(new URL(url).pathname), tls: false } }
      : { url },
  );
  await client.connect();
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
    if (keys.length > 0) await client.del(keys);
  }
  client.destroy();
}
