import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { io, type Socket } from "socket.io-client";
import { z } from "zod";
import { makeDialogues } from "../../src/demo/dialogues.ts";
import { seededDice } from "../../src/demo/random.ts";
import { databaseUrlOf, redisUrlOf, startPrivateStores } from "../../src/platform/embedded/embedded.ts";
import { cookiesOf } from "../../tests/support/cookies.ts";
import { freePort } from "../../tests/support/network.ts";

/** The app on stores of its own, with somebody who has 24 conversations, one of them of 5,000 messages. */
export interface Stage {
  url: string;
  reader: Account;
  /** Whom the reader talks with in the short and in the long conversation. */
  short: Account & { texts: string[] };
  long: Account & { texts: string[] };
}

interface Account {
  id: number;
  cookie: string;
  /** Sends, and waits for the acknowledgement. */
  send: (to: number, message: string) => Promise<void>;
}

const SHORT = 60;
const LONG = 5000;
const OTHERS = 22;
const AT_ONCE = 250;
const ANSWER_MS = 30_000;
const PASSWORD = "a long password of nobody 417";

export const said = makeDialogues(seededDice(20_261_121), "en", 70)
  .flat()
  .map(({ text }) => text);

/** What stops what was started, the last first. */
export type Ends = (() => Promise<unknown>)[];

/** Starts everything and says everything; `ends` gets each end as soon as there is something to stop. */
export async function openStage(ends: Ends): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), "causerie-bench-"));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const stores = await startPrivateStores({
    directory: folder,
    mariadb: true,
    redis: true,
    log: console.log,
  });
  ends.push(() => stores.stop());
  const port = await freePort();
  const url = await startApp(ends, {
    ...{ PORT: String(port), HOST: "127.0.0.1", DATA_DIR: path.join(folder, "app"), NODE_ENV: "production" },
    ...{ DATABASE_URL: databaseUrlOf(stores), REDIS_URL: redisUrlOf(stores), LOG_LEVEL: "error" },
    ...{
      SESSION_SECRET: "s".repeat(32),
      PASSWORD_KEY: "p".repeat(32),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
    },
    ...{ LIMIT_REGISTER_PER_ADDRESS: "off", LIMIT_SOCKETS_PER_ADDRESS: "off", LIMIT_SEND_PER_USER: "off" },
    ...{ LIMIT_EVENTS_PER_SOCKET: "off", LIMIT_LOGIN_PER_ADDRESS: "off" },
  });
  const sockets: Socket[] = [];
  ends.push(async () => sockets.forEach((socket) => void socket.disconnect()));
  const join = (name: string) => signUp(url, name, sockets);
  const [reader, short, long] = [await join("Camille"), await join("Mateo"), await join("Ines")];
  for (let n = 0; n < OTHERS; n += 1) await (await join(`person${n}`)).send(reader.id, said[n] ?? "");
  const texts = { long: sayings(LONG), short: sayings(SHORT) };
  await sendAll(long, reader.id, texts.long);
  await sendAll(short, reader.id, texts.short);
  return {
    ...{ url, reader },
    short: { ...short, texts: texts.short },
    long: { ...long, texts: texts.long },
  };
}

const sayings = (count: number) =>
  Array.from({ length: count }, (_, index) => `${said[index % said.length]} (${index + 1})`);

async function sendAll(from: Account, to: number, texts: string[]): Promise<void> {
  await from.send(to, texts[0] ?? "");
  for (let start = 1; start < texts.length; start += AT_ONCE)
    await Promise.all(texts.slice(start, start + AT_ONCE).map((text) => from.send(to, text)));
}

async function startApp(ends: Ends, environment: Record<string, string>): Promise<string> {
  const app = spawn(process.execPath, ["src/server.ts"], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(app, "exit");
  ends.push(async () => {
    app.kill("SIGTERM");
    await exited;
  });
  const gone = exited.then(() => Promise.reject(new Error("the app ended"))); // it has said why
  const [{ address }] = await Promise.race([once(app, "message"), gone]);
  return String(address).replace("localhost", "127.0.0.1");
}

async function signUp(url: string, username: string, sockets: Socket[]): Promise<Account> {
  const entered = await fetch(`${url}/register`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url, accept: "text/html" },
    body: new URLSearchParams({ username, password: PASSWORD }),
  });
  const cookie = cookiesOf(entered);
  const told = await (await fetch(`${url}/session`, { headers: { cookie } })).json();
  const { userId: id } = z.object({ userId: z.number() }).parse(told);
  const socket = io(url, {
    transports: ["websocket"],
    forceNew: true,
    extraHeaders: { cookie, origin: url },
  });
  sockets.push(socket);
  const send = async (receiverId: number, message: string) => {
    const answer = await socket
      .timeout(ANSWER_MS)
      .emitWithAck("sendMessage", { receiverId, message, clientId: randomUUID() });
    if (!answer.ok) throw new Error(`sending answered ${JSON.stringify(answer)}`);
  };
  return { id, cookie, send };
}
