import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { io, type Socket } from "socket.io-client";
import { z } from "zod";
import { cookiesOf } from "../../tests/support/cookies.ts";
import { dataFolder, PASSWORD, SECRETS } from "../seed/datasets.ts";
import { nameOf } from "../seed/names.ts";

/** The app in production mode on one dataset, and people who use it. */

const STOP_MS = 20_000;
const WAIT_MS = 10_000;

/** Limits that one person who does everything at once does not reach. They are counted as ever. */
const LIMITS = {
  ...{ LIMIT_SEARCH_PER_USER: "1000000/1m", LIMIT_SEND_PER_USER: "1000000/1m" },
  LIMIT_EVENTS_PER_SOCKET: "1000000/10s",
};

/** A running app. */
export interface App {
  /** Lets a person of the dataset in. */
  enter: (userId: number) => Promise<Visitor>;
}

/** Somebody with a page open: a cookie and a socket. */
export interface Visitor {
  /** @throws Error unless the answer is 200 */
  get: (path: string, accept: string) => Promise<string>;
  /** @throws Error unless the acknowledgement says ok */
  ask: (event: string, value: object) => Promise<unknown>;
}

/** What undoes what was started, to be called in the reverse order. */
export type Stops = (() => Promise<unknown>)[];

/** Starts the app on a database, with keys of its own in Redis. */
export async function startApp(
  databaseUrl: string,
  redisUrl: string,
  name: string,
  stops: Stops,
): Promise<App> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, ["src/server.ts"], {
    env: {
      ...{ PATH: process.env.PATH ?? "", NODE_ENV: "production", HOST: "127.0.0.1", PORT: String(port) },
      ...{ PUBLIC_URL: url, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, REDIS_PREFIX: `${name}:` },
      ...{ LOG_LEVEL: "warn", BCRYPT_COST: "10", ...SECRETS, ...LIMITS },
    },
    stdio: ["ignore", openSync(join(dataFolder(), `${name}.log`), "w"), "inherit", "ipc"],
  });
  stops.push(() => stopProcess(child));
  await started(child);
  return {
    enter: async (userId) => {
      const cookie = await logIn(url, nameOf(userId));
      const socket = await connect(url, cookie);
      stops.push(async () => socket.disconnect());
      return visitor(url, cookie, socket);
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** It tells its address once it serves. */
async function started(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the app ended with ${code}`);
  });
  await Promise.race([once(child, "message"), ended]);
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(timer);
}

async function logIn(url: string, username: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    ...{ method: "POST", redirect: "manual", headers: { origin: url } },
    body: new URLSearchParams({ username, password: PASSWORD }),
  });
  if (response.status !== 303) throw new Error(`${username} cannot log in: ${response.status}`);
  return cookiesOf(response);
}

async function connect(url: string, cookie: string): Promise<Socket> {
  const socket = io(url, {
    ...{ transports: ["websocket"], forceNew: true, reconnection: false },
    extraHeaders: { cookie, origin: url },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

const answerSchema = z.object({ ok: z.literal(true) });

function visitor(url: string, cookie: string, socket: Socket): Visitor {
  return {
    get: async (path, accept) => {
      const response = await fetch(url + path, { redirect: "manual", headers: { cookie, accept } });
      const body = await response.text();
      if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
      return body;
    },
    ask: async (event, value) => {
      const answer: unknown = await socket.timeout(WAIT_MS).emitWithAck(event, value);
      if (!answerSchema.safeParse(answer).success) throw new Error(`${event}: ${JSON.stringify(answer)}`);
      return answer;
    },
  };
}
