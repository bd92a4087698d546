import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { databaseUrlOf, redisUrlOf, startPrivateStores } from "../../src/platform/embedded/embedded.ts";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { type Line, openLine } from "../support/network.ts";
import { eventually } from "../support/person.ts";

/** Stores that one test file has for itself, because it does them harm. */

type Store = "mariadb" | "redis";

export interface OwnStores {
  causerie: Causerie;
  /** Runs `work` while a store is frozen: it accepts connections and answers nothing. */
  whileFrozen: (store: Store, work: () => Promise<void>) => Promise<void>;
  /** Kills a store; it is started again by itself. */
  kill: (store: Store) => Promise<void>;
  /** The settings of a node that reaches the stores by lines that can be cut. */
  openLines: () => Promise<{ lines: Record<Store, Line>; settings: Record<string, string> }>;
}

/** Starts stores and a node on them; `directory` may be on a disk of its own. */
export async function startOnOwnStores({
  directory,
  overrides = {},
}: {
  directory?: string;
  overrides?: Record<string, string>;
} = {}): Promise<OwnStores> {
  const folder = directory ?? mkdtempSync(join(tmpdir(), "causerie-stores-"));
  const stores = await startPrivateStores({
    directory: folder,
    mariadb: true,
    redis: true,
    log: () => undefined,
  });
  process.env.TEST_DATABASE_URL = databaseUrlOf(stores, "");
  process.env.TEST_REDIS_URL = redisUrlOf(stores);
  const end = async () => {
    await stores.stop();
    if (!directory) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const causerie = await startCauserie(overrides).catch(async (error) => {
    await end();
    throw error;
  });
  // After the node's own hooks, which still need the stores.
  after(end);
  const pidFile = (store: Store) => join(folder, "run", `${store}.pid`);
  const pidOf = (store: Store) => Number(readFileSync(pidFile(store), "utf8").split("\n")[0]);
  return {
    causerie,
    whileFrozen: async (store, work) => {
      const pid = pidOf(store);
      process.kill(pid, "SIGSTOP");
      try {
        await work();
      } finally {
        process.kill(pid, "SIGCONT");
      }
    },
    kill: async (store) => {
      const pid = pidOf(store);
      process.kill(pid, "SIGKILL");
      // Between the two there is no file.
      await eventually(() => existsSync(pidFile(store)) && pidOf(store) !== pid, `${store} is started again`);
    },
    openLines: async () => {
      const [mariadb, redis] = await Promise.all([
        openLine({ path: stores.databaseSocket ?? "" }),
        openLine({ path: stores.redisSocket ?? "" }),
      ]);
      const { pathname } = new URL(causerie.environment.DATABASE_URL ?? "");
      const settings = {
        DATABASE_URL: `mysql://root@127.0.0.1:${mariadb.port}${pathname}`,
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      };
      return { lines: { mariadb, redis }, settings };
    },
  };
}
