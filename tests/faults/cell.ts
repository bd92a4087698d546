import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, type WriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mysql, { type Pool } from "mysql2/promise";
import { createClient } from "redis";
import {
  databaseUrlOf,
  type PrivateStores,
  redisUrlOf,
  startPrivateStores,
} from "../../src/platform/embedded/embedded.ts";

import { LIMITS_OFF } from "../support/causerie.ts";

const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/** Whether a node's clock can be set wrong: Debian's package faketime. */
export const canFakeClocks = () => existsSync(FAKETIME);

function fakeClock(clock: string | undefined): Record<string, string> {
  if (clock === undefined) return {};
  return { LD_PRELOAD: FAKETIME, FAKETIME: clock, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}

/** A small deployment: real stores, several nodes on them, each a process that can be hurt. */

const START_MS = 40_000;
const START_ATTEMPTS = 10;
/** A node may take 10 s to drain; one that takes longer is ended, and the trial says so. */
const DRAIN_MS = 15_000;

export interface ChatProcess {
  port: number;
  child: ChildProcess | null;
}

export class Cell {
  readonly folder: string;
  readonly nodes: ChatProcess[] = [];
  readonly pool: Pool;
  readonly settings: Record<string, string>;
  private readonly stores: PrivateStores;
  private readonly preload: string | undefined;
  private readonly output: WriteStream;

  private constructor(folder: string, stores: PrivateStores, preload: string | undefined) {
    this.folder = folder;
    this.stores = stores;
    this.preload = preload;
    this.output = createWriteStream(join(folder, "nodes.log"));
    const database = databaseUrlOf(stores);
    this.pool = mysql.createPool({ uri: database, timezone: "Z", connectionLimit: 2 });
    this.settings = {
      ...{ HOST: "127.0.0.1", NODE_ENV: "test", BCRYPT_COST: "4", LOG_MESSAGES: "false", LOG_LEVEL: "warn" },
      ...LIMITS_OFF,
      ...{ DATABASE_URL: database, REDIS_URL: redisUrlOf(stores), DATA_DIR: join(folder, "app") },
      ...{ SESSION_SECRET: "s".repeat(32), PASSWORD_KEY: "p".repeat(32) },
    };
  }

  /** Starts the stores and `count` nodes. `preload` is a module that changes the app, to prove the checker. */
  static async start(count: number, preload?: string): Promise<Cell> {
    const folder = await mkdtemp(join(tmpdir(), "causerie-faults-"));
    const stores = await startPrivateStores({
      directory: join(folder, "stores"),
      mariadb: true,
      redis: true,
      log: () => undefined,
    });
    const cell = new Cell(folder, stores, preload);
    try {
      for (let index = 0; index < count; index += 1) {
        cell.nodes.push({ port: 0, child: null });
        await cell.startNode(index);
      }
    } catch (error) {
      // The log stays, as the error names it.
      await cell.end();
      throw error;
    }
    return cell;
  }

  node(index: number): ChatProcess {
    const node = this.nodes[index];
    if (!node) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  /** Starts a node on the port it had before, its clock off by `clock` ("+5h"); again when a store was not there yet. */
  async startNode(index: number, clock?: string): Promise<void> {
    const { child } = this.node(index);
    if (child && child.exitCode === null && child.signalCode === null) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.launch(index, clock);
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  private async launch(index: number, clock?: string): Promise<void> {
    const node = this.node(index);
    const preload = this.preload ? ["--import", this.preload] : [];
    const child = spawn(process.execPath, [...preload, "src/server.ts"], {
      env: { PATH: process.env.PATH ?? "", ...this.settings, PORT: String(node.port), ...fakeClock(clock) },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    node.child = child;
    child.stdout?.pipe(this.output, { end: false });
    child.stderr?.pipe(this.output, { end: false });
    const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
    const address = await new Promise<string>((resolve, reject) => {
      child.on("message", (message: { address: string }) => resolve(message.address));
      child.on("exit", (code, signal) =>
        reject(
          new Error(`node ${index} ended with ${code ?? signal} as it started; see ${this.folder}/nodes.log`),
        ),
      );
    });
    clearTimeout(timer);
    node.port = Number(new URL(address).port);
  }

  /** Ends a node and resolves once it is gone; how long that took, in ms. */
  async stopNode(index: number, signal: NodeJS.Signals): Promise<number> {
    const { child } = this.node(index);
    if (!child || child.exitCode !== null || child.signalCode !== null) return 0;
    const since = performance.now();
    const gone = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), DRAIN_MS);
    await gone;
    clearTimeout(timer);
    return performance.now() - since;
  }

  /** Sends a signal to a store's server. */
  async signalStore(store: "mariadb" | "redis", signal: NodeJS.Signals): Promise<void> {
    const pid = Number(
      (await readFile(join(this.folder, "stores/run", `${store}.pid`), "utf8")).trim().split(/\s/)[0],
    );
    process.kill(pid, signal);
  }

  /** Everything in Redis is gone at once. */
  async flushRedis(): Promise<void> {
    const client = createClient({ socket: { path: join(this.folder, "stores/run/redis.sock"), tls: false } });
    client.on("error", () => undefined);
    await client.connect();
    await client.flushAll();
    client.destroy();
  }

  async stop(): Promise<void> {
    await this.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(): Promise<void> {
    await Promise.all(this.nodes.map((_node, index) => this.stopNode(index, "SIGKILL")));
    await this.pool.end().catch(() => undefined);
    await this.stores.stop();
    this.output.end();
  }
}
