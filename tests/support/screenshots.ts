import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mysql, { type Connection } from "mysql2/promise";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { ensurePrograms, startPrivateStores } from "../../src/platform/embedded/embedded.ts";
import { cookiesOf } from "./cookies.ts";

/** `npm run screenshots`: the pictures of the README, taken of the real app with people and words of its own. */

const OUTPUT = "docs/screenshots";
/** The time of day in the pictures, so that they are alike whenever they are taken. */
const NOW = new Date(`${new Date().toISOString().slice(0, 10)}T18:42:00Z`);
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** Minutes before `NOW`, who writes (`<` to Camille, `>` from her), what. */
type Line = [minutes: number, side: "<" | ">", text: string];

const WITH_MATEO: Line[] = [
  [DAY_MINUTES + 212, ">", "Did the new bread turn out?"],
  [DAY_MINUTES + 205, "<", "Almost. The crust is right, the middle still thinks it is dough"],
  [DAY_MINUTES + 204, ">", "Ten minutes longer, and leave it alone until it is cold. I know you never do."],
  [68, "<", "You were right about the ten minutes"],
  [67, "<", "And I did wait. Nearly."],
  [52, ">", "Then bring half of it on Saturday?"],
  [51, ">", "Ines found the hut, it is this one:\nhttps://example.org/huts/lac-blanc"],
  [47, "<", "It looks lovely. How long is the walk up?"],
  [44, ">", "Two hours and a bit. We meet at the station at 7:40, the train leaves at 7:52."],
  [43, "<", "7:40 in the morning. On a Saturday."],
  [42, ">", "There will be coffee"],
  [12, "<", "Then there will be bread"],
  [3, ">", "Perfect. I will tell the others"],
];

/** The rest of the list, from the latest; `unread` of the last lines Camille has not read yet. */
const OTHERS: { name: string; online: boolean; unread?: number; lines: Line[] }[] = [
  {
    ...{ name: "Ines", online: true, unread: 2 },
    lines: [
      [90, ">", "Is it four of us or five?"],
      [9, "<", "Five, Jonas comes too"],
      [8, "<", "I have booked the big room"],
    ],
  },
  { name: "Jonas", online: true, lines: [[26, ">", "Bring the cards, not the guitar"]] },
  { name: "سارة", online: false, unread: 1, lines: [[140, "<", "وصلت الصور، شكرا جزيلا!"]] },
  { name: "Noémie", online: false, lines: [[305, "<", "On se rappelle demain"]] },
  { name: "Tomasz", online: true, lines: [[DAY_MINUTES + 30, "<", "The key is under the third pot"]] },
  { name: "Aiko", online: false, lines: [[2 * DAY_MINUTES + 71, ">", "Thank you for the tea"]] },
  { name: "Yusuf", online: false, lines: [[4 * DAY_MINUTES + 12, "<", "See you in spring, then"]] },
  { name: "Marguerite", online: true, lines: [[6 * DAY_MINUTES + 400, ">", "Found it behind the piano"]] },
  { name: "Viktor", online: false, lines: [] },
];

interface Person {
  id: number;
  cookie: string;
}

interface Stage {
  url: string;
  database: Connection;
  camille: Person;
  mateo: Person;
}

const stops: (() => Promise<unknown>)[] = [];

async function main(): Promise<void> {
  await ensurePrograms([{ program: "chromium", package: "chromium" }], console.log);
  const stage = await prepareStage();
  await fill(stage);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  stops.unshift(() => browser.close());
  await mkdir(OUTPUT, { recursive: true });
  const desk = { viewport: { width: 1120, height: 720 } };
  const phone = {
    viewport: { width: 390, height: 760 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  };
  for (const theme of ["light", "dark"] as const) {
    await take(browser, stage, `desk-${theme}`, { ...desk, colorScheme: theme });
    await take(browser, stage, `phone-${theme}`, { ...phone, colorScheme: theme });
  }
}

/** The app and its stores in a folder of their own, and the two people of the pictures. */
async function prepareStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "causerie-screenshots-"));
  stops.unshift(() => rm(folder, { recursive: true, force: true }));
  const stores = await startPrivateStores({
    directory: folder,
    mariadb: true,
    redis: true,
    log: console.log,
  });
  stops.unshift(() => stores.stop());
  const socketPath = stores.databaseSocket ?? "";
  const url = await startApp({
    ...{ PORT: "0", HOST: "127.0.0.1", DATA_DIR: join(folder, "app"), BCRYPT_COST: "4", NODE_ENV: "test" },
    DATABASE_URL: `mysql://root@localhost/causerie?socketPath=${encodeURIComponent(socketPath)}`,
    REDIS_URL: `unix:${stores.redisSocket}`,
  });
  const database = await mysql.createConnection({
    socketPath,
    user: "root",
    database: "causerie",
    timezone: "Z",
  });
  stops.unshift(() => database.end());
  const [camille, mateo] = [await signUp(url, "Camille"), await signUp(url, "Mateo")];
  return { url, database, camille, mateo };
}

async function startApp(environment: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, ["src/server.ts"], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  stops.unshift(() => stopApp(child));
  const [{ address }] = await once(child, "message");
  return String(address).replace("localhost", "127.0.0.1");
}

async function stopApp(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** A form's post, from one of the site's own pages. */
function submit(
  url: string,
  cookie: string,
  path: string,
  fields: Record<string, string>,
): Promise<Response> {
  const headers = { origin: url, accept: "text/html", cookie };
  return fetch(url + path, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams(fields),
    headers,
  });
}

async function signUp(url: string, username: string): Promise<Person> {
  const entered = await submit(url, "", "/register", { username, password: `password of ${username}` });
  const cookie = cookiesOf(entered);
  const page = await (await fetch(`${url}/settings`, { headers: { cookie } })).text();
  return { id: Number(/<body[^>]* data-user-id="(\d+)"/.exec(page)?.[1]), cookie };
}

async function fill(stage: Stage): Promise<void> {
  for (const { name, online, unread = 0, lines } of OTHERS.toReversed()) {
    const other = await signUp(stage.url, name);
    await talk(stage, other, lines, unread);
    if (online) await comeOnline(stage, other);
    else await submit(stage.url, other.cookie, "/logout", {});
  }
  await talk(stage, stage.mateo, WITH_MATEO, 0);
  const socket = await comeOnline(stage, stage.mateo);
  // He has everything, and has read all but the last.
  const userId = stage.camille.id;
  await socket.emitWithAck("deliverMessages", { userId, seq: WITH_MATEO.length });
  await socket.emitWithAck("readMessages", { userId, seq: WITH_MATEO.length - 1 });
}

/** Sends the lines as the two would by form, then moves them to when they were written. */
async function talk({ url, database, camille }: Stage, other: Person, lines: Line[], unread: number) {
  for (const [, side, message] of lines) {
    const [from, to] = side === ">" ? [camille, other] : [other, camille];
    await submit(url, from.cookie, `/chat/${to.id}/messages`, { message, clientId: randomUUID() });
  }
  for (const [index, [minutes]] of lines.entries()) {
    await database.execute(
      `UPDATE messages m JOIN conversations c ON c.id = m.conversation_id SET m.created_at = ?
       WHERE m.seq = ? AND c.direct_key = CONCAT(LEAST(?, ?), ':', GREATEST(?, ?))`,
      [at(minutes), index + 1, camille.id, other.id, camille.id, other.id],
    );
  }
  const seen = lines.length - unread;
  await fetch(`${url}/chat/${other.id}/messages/${seen}/seen.gif`, { headers: { cookie: camille.cookie } });
  await database.execute(
    `UPDATE memberships m JOIN conversations c ON c.id = m.conversation_id
     SET m.last_message_at = ?, c.last_message_at = ?
     WHERE c.direct_key = CONCAT(LEAST(?, ?), ':', GREATEST(?, ?))`,
    [at(lines.at(-1)?.[0] ?? 0), at(lines.at(-1)?.[0] ?? 0), camille.id, other.id, camille.id, other.id],
  );
}

const at = (minutes: number) => new Date(NOW.getTime() - minutes * MINUTE_MS);

async function comeOnline({ url }: Stage, { cookie }: Person): Promise<Socket> {
  const socket = io(url, {
    transports: ["websocket"],
    forceNew: true,
    extraHeaders: { cookie, origin: url },
  });
  stops.unshift(async () => socket.disconnect());
  await new Promise((resolve) => socket.once("connect", () => resolve(undefined)));
  return socket;
}

async function take(browser: Browser, stage: Stage, name: string, options: BrowserContextOptions) {
  const context = await browser.newContext({ ...options, timezoneId: "UTC", locale: "en-GB" });
  const [key = "", value = ""] = stage.camille.cookie.split("=");
  await context.addCookies([{ name: key, value, url: stage.url }]);
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`${stage.url}/chat/${stage.mateo.id}`);
  await settled(page);
  await page.screenshot({ path: `${OUTPUT}/${name}.png` });
  await context.close();
  console.log(`${OUTPUT}/${name}.png`);
}

/** Connected, dots and ticks true, every visible picture drawn. */
async function settled(page: Page): Promise<void> {
  await page.locator("body[data-connected]").waitFor();
  await page.locator("[data-presence][data-online=true]").waitFor();
  await page.waitForLoadState("networkidle");
}

try {
  await main();
} finally {
  for (const stop of stops) await stop().catch(console.error);
}
