import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { databaseUrlOf, redisUrlOf } from "../../src/platform/embedded/embedded.ts";
import { mariadbPlaces } from "../../src/platform/embedded/mariadb.ts";
import { redisPlaces } from "../../src/platform/embedded/redis.ts";
import { cpuOf, familyOf, type Server, startServer } from "./processes.ts";

/** The app in production mode on private stores of its own, and what the limits beside it need to know. */
export interface Stage {
  app: Server;
  /** Settings of the app that the limits share. */
  environment: Record<string, string>;
  databaseUrl: (database: string) => string;
  redisUrl: string;
  /** Starts one of bench/limits on the same stores. */
  startLimit: (script: string, environment?: Record<string, string>) => Promise<Server>;
  /** CPU seconds so far of a server and of the stores. */
  cpu: (server: Server) => CpuSeconds;
  stop: () => Promise<void>;
}

export interface CpuSeconds {
  server: number;
  database: number;
  redis: number;
}

/** What everybody's limits have to be raised by for one person's load: still counted, never reached. */
const LIMITS = [
  ...["LOGIN_PER_NAME", "LOGIN_PER_NAME_ANYWHERE", "LOGIN_PER_ADDRESS", "REGISTER_PER_ADDRESS"],
  ...["SEARCH_PER_USER", "SEND_PER_USER", "EVENTS_PER_SOCKET"],
];
const COUNTS = ["SOCKETS_PER_USER", "SOCKETS_PER_ADDRESS", "CONNECTIONS_PER_ADDRESS"];
const RAISED = Object.fromEntries([
  ...LIMITS.map((name) => [`LIMIT_${name}`, "100000000/1m"]),
  ...COUNTS.map((name) => [`LIMIT_${name}`, "1000000"]),
]);

/** What a newcomer's app has beside the settings that every production needs: nothing but raised limits. */
const SETTINGS = {
  ...RAISED,
  ...{ NODE_ENV: "production", HOST: "127.0.0.1", LOG_LEVEL: "info" },
  ...{
    SESSION_SECRET: "of the bench, and of nothing else",
    PASSWORD_KEY: "of the bench, and of nothing else",
  },
};

/** @param folder for the data and the logs */
export async function openStage(folder: string, settings: Record<string, string> = {}): Promise<Stage> {
  const port = await freePort();
  const dataDir = join(folder, "data");
  mkdirSync(dataDir, { recursive: true });
  const places = { databaseSocket: mariadbPlaces(dataDir).socket, redisSocket: redisPlaces(dataDir).socket };
  const redisUrl = redisUrlOf({ ...places, stop: async () => undefined });
  const databaseUrl = (name: string) => databaseUrlOf({ ...places, stop: async () => undefined }, name);
  const environment = {
    ...{ ...SETTINGS, DATA_DIR: dataDir, PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` },
    ...settings,
  };
  const log = openSync(join(folder, "app.log"), "a");
  const app = await startServer("src/server.ts", environment, log);
  const pids = [mariadbPlaces(dataDir), redisPlaces(dataDir)].map(({ pidFile }) => pidOf(pidFile));
  const [database = 0, redis = 0] = pids;
  const limits: Server[] = [];
  return {
    ...{ app, environment, databaseUrl, redisUrl },
    startLimit: async (script, more = {}) => {
      const own = { DATABASE_URL: databaseUrl("relay"), REDIS_URL: redisUrl, REDIS_PREFIX: "causerie:" };
      const limit = await startServer(
        `bench/limits/${script}`,
        { ...own, SESSION_SECRET: SETTINGS.SESSION_SECRET, NODE_ENV: "production", ...more },
        log,
      );
      limits.push(limit);
      return limit;
    },
    cpu: (server) => ({
      // The stores are the app's children as well, and counted apart.
      server: total(familyOf(server.pid).filter((pid) => !pids.includes(pid))),
      database: cpuOf(database),
      redis: cpuOf(redis),
    }),
    stop: async () => {
      await Promise.all(limits.map((limit) => limit.stop()));
      await app.stop();
      closeSync(log);
    },
  };
}

function total(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
}

function pidOf(file: string): number {
  return Number.parseInt(readFileSync(file, "utf8"), 10);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
