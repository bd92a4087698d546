import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, CDPSession, Page } from "playwright-core";
import { type Stage, said } from "./browser-stage.ts";
import { busyTasksIn } from "./browser-tasks.ts";

/** What is measured in Chromium on a slow device: a cold visit on a slow line, and a long way back and forth. */

const SLOW_LINE = { offline: false, latency: 100, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const CPU_SLOWDOWN = 4;
const SHOWN = 50;
const LIVE = 60;
const LIVE_MS = 50;
const BURST = 50;
const KEY_MS = 100;
const SETTLED_MS = 500;
const STEP_PX = 400;
const LONG_MS = 50;

interface Scrolled {
  /** Numbers between the first and the last that were never in the list. */
  missing: number;
  /** Milliseconds. */
  longestFrame: number;
  elements: number;
}

/** What the page's own clock and observers tell. */
interface Seen {
  readable: number;
  ready: number;
  /** Milliseconds of each long task, with when it began. */
  tasks: { at: number; ms: number }[];
  shift: number;
  now: number;
}

/** Runs in the page before anything else. */
const IN_PAGE = fileURLToPath(new URL("./in-page.js", import.meta.url));

const seenBy = (page: Page) => page.evaluate<Seen>("bench.look()");

/** A cold visit at 400 kbit/s with 100 ms of latency; then typing while 20 messages a second come, then 50 at once. */
export async function readCold(browser: Browser, stage: Stage) {
  const { page, session, close } = await open(browser, stage, stage.short.id);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", SLOW_LINE);
  await page.goto(`${stage.url}/chat/${stage.short.id}`, { waitUntil: "commit" });
  await page.locator("body[data-connected]").waitFor();
  const shown = await page.locator("[data-messages] .text").allTextContents();
  assert.deepEqual(shown, stage.short.texts.slice(-SHOWN), "the newest 50 are shown");
  const { acknowledged, sent } = await sendOne(page);
  stage.short.texts.push(sent);
  await page.waitForLoadState("networkidle");
  const live = await tasksIn(browser, page, () =>
    Promise.all([typeSlowly(page), sayLive(stage.short, stage, LIVE, LIVE_MS)]),
  );
  await untilShown(page, stage.short);
  const burst = await tasksIn(browser, page, () => sayLive(stage.short, stage, BURST, 0));
  await untilShown(page, stage.short);
  const seen = await seenBy(page);
  await close();
  return {
    ...{ readable: Math.round(seen.readable), ready: Math.round(seen.ready), acknowledged },
    ...{ longTasksLive: live.long.length, longestLive: Math.max(0, ...live.long) },
    ...{ busyTasksLive: live.busy.length, busiestLive: live.busiest },
    ...{ longTasksBurst: burst.long.length, longestBurst: Math.max(0, ...burst.long) },
    ...{ busyTasksBurst: burst.busy.length, busiestBurst: burst.busiest, layoutShift: seen.shift },
  };
}

interface Tasks {
  /** Milliseconds of each long task by the wall's clock, what it waited for others included. */
  long: number[];
  /** Milliseconds of those that are long by processor time alone. */
  busy: number[];
  busiest: number;
}

/** While something happens, and a moment after. */
async function tasksIn(browser: Browser, page: Page, happen: () => Promise<unknown>): Promise<Tasks> {
  const { now: since } = await seenBy(page);
  const byProcessor = await busyTasksIn(browser, page, async () => {
    await happen();
    await setTimeout(SETTLED_MS);
  });
  const { tasks } = await seenBy(page);
  return {
    long: tasks.filter(({ at }) => at >= since).map(({ ms }) => ms),
    busy: byProcessor.filter((ms) => ms > LONG_MS),
    busiest: Math.round(byProcessor.reduce((most, ms) => Math.max(most, ms), 0)),
  };
}

function untilShown(page: Page, from: Stage["short"]): Promise<void> {
  const newest = page.locator("[data-messages] > :last-child");
  return newest.getByText(from.texts.at(-1) ?? "").waitFor();
}

async function open(browser: Browser, stage: Stage, otherId: number) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const pairs = stage.reader.cookie.split("; ").map((pair) => pair.split("="));
  await context.addCookies(pairs.map(([name = "", value = ""]) => ({ name, value, url: stage.url })));
  const page = await context.newPage();
  await page.addInitScript({ path: IN_PAGE });
  const session: CDPSession = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWDOWN });
  return { page, session, otherId, close: () => context.close() };
}

let sentCount = 0;

/** Types and presses Enter; how many milliseconds until the tick says that it is stored. */
async function sendOne(page: Page): Promise<{ acknowledged: number; sent: string }> {
  sentCount += 1;
  const sent = `ready as soon as it shows ${sentCount}`;
  const field = page.getByLabel("Message", { exact: true });
  await field.fill(sent);
  const start = performance.now();
  await field.press("Enter");
  const states = ["sent", "delivered", "read"].map((state) => `[data-state=${state}]`).join();
  await page.locator(`.message:is(${states})`).filter({ hasText: sent }).waitFor();
  return { acknowledged: Math.round(performance.now() - start), sent };
}

async function typeSlowly(page: Page): Promise<void> {
  const field = page.getByLabel("Message", { exact: true });
  await field.pressSequentially("something that is being typed", { delay: KEY_MS });
  await field.fill("");
}

/** Says so many things, `gapMs` apart; without a gap all at once. */
async function sayLive(from: Stage["short"], stage: Stage, count: number, gapMs: number): Promise<void> {
  const sent: Promise<void>[] = [];
  for (let n = 0; n < count; n += 1) {
    const text = `${said[n % said.length]} (live ${from.texts.length})`;
    from.texts.push(text);
    sent.push(from.send(stage.reader.id, text));
    if (gapMs > 0) await setTimeout(gapMs);
  }
  await Promise.all(sent);
}

/** 5,000 messages scrolled back and down again on a fast line: what the device has to do, not the line. */
export async function readLong(browser: Browser, stage: Stage) {
  const { page, session, close } = await open(browser, stage, stage.long.id);
  await page.goto(`${stage.url}/chat/${stage.long.id}`);
  await page.locator("body[data-connected]").waitFor();
  await page.waitForLoadState("networkidle");
  const ways: Scrolled[] = [];
  const { long, busy, busiest } = await tasksIn(browser, page, async () => {
    ways.push(await page.evaluate<Scrolled>(`bench.scrollTo(1, ${-STEP_PX})`));
    ways.push(await page.evaluate<Scrolled>(`bench.scrollTo(${stage.long.texts.length}, ${STEP_PX})`));
  });
  assert.equal(ways[0]?.missing, 0, "every message was shown on the way");
  const shown = await page.locator("[data-messages] .text").allTextContents();
  assert.deepEqual(
    shown,
    stage.long.texts.slice(-shown.length),
    "the end shows what was said last, in order",
  );
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await close();
  return {
    ...{ longTasksScrolling: long.length, longestScrolling: Math.max(0, ...long) },
    ...{ busyTasksScrolling: busy.length, busiestScrolling: busiest },
    longestFrame: Math.round(Math.max(...ways.map(({ longestFrame }) => longestFrame))),
    elements: Math.max(...ways.map(({ elements }) => elements)),
    heap: Math.round(usedSize / 100_000) / 10,
  };
}
