import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { makeDialogues } from "../../src/demo/dialogues.ts";
import { seededDice } from "../../src/demo/random.ts";
import { bubble, registerInBrowser, say, startBrowser, untilLive, untilState } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { connect, type Device, signUp } from "../support/person.ts";

const [causerie, browser] = await Promise.all([
  startCauserie(),
  startBrowser(["--disable-frame-rate-limit"]),
]);

const MANY = 5000;
const AT_ONCE = 250;
const SHOWN_MIN = 120;
const SHOWN_MAX = 200;
const ELEMENTS_MAX = 5000;

const said = makeDialogues(seededDice(20_261_121), "en", 70).flat();
const textOf = (seq: number) => `${said[seq % said.length]?.text} (${seq})`;

/** Sends in one order, many at once. */
async function sendMany(device: Device, receiverId: number, count: number): Promise<void> {
  for (let seq = 1; seq <= count; seq += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - seq + 1) }, (_, index) =>
      textOf(seq + index),
    );
    const answers = await Promise.all(batch.map((text) => device.send(receiverId, text)));
    assert.ok(answers.every(({ ok }) => ok));
  }
}

interface Scrolled {
  /** Numbers that were in the list at any time. */
  seen: number;
  /** Looks at which the list was not an unbroken row of numbers. */
  broken: number;
  /** Fewest and most messages, and most elements, at once. */
  fewest: number;
  messages: number;
  elements: number;
}

/** Scrolls until the message with this number is in the list and nothing is left to scroll, looking at each step. */
function scrollTo(page: Page, goal: number, step: number): Promise<Scrolled> {
  return page.evaluate(
    async ([goal, step]) => {
      const scroller = document.querySelector("[data-scroller]");
      const list = document.querySelector("[data-messages]");
      if (!scroller || !list) throw new Error("no conversation");
      const seen = new Set<number>();
      const scrolled = { seen: 0, broken: 0, fewest: Infinity, messages: 0, elements: 0 };
      for (let idle = 0; idle < 600; idle += 1) {
        const seqs = [...list.querySelectorAll<HTMLElement>("[data-seq]")].map((each) =>
          Number(each.dataset.seq),
        );
        if (seqs.some((seq, index) => index > 0 && seq !== (seqs[index - 1] ?? 0) + 1)) scrolled.broken += 1;
        if (seqs.some((seq) => !seen.has(seq))) idle = 0;
        for (const seq of seqs) seen.add(seq);
        scrolled.fewest = Math.min(scrolled.fewest, seqs.length);
        scrolled.messages = Math.max(scrolled.messages, seqs.length);
        scrolled.elements = Math.max(scrolled.elements, document.getElementsByTagName("*").length);
        const before = scroller.scrollTop;
        scroller.scrollBy({ top: step, behavior: "instant" });
        await new Promise(requestAnimationFrame);
        if (seqs.includes(goal) && scroller.scrollTop === before) break;
      }
      return { ...scrolled, seen: seen.size };
    },
    [goal, step] as const,
  );
}

const numbers = (page: Page) =>
  page
    .locator("[data-messages] > [data-seq]")
    .evaluateAll((nodes) => nodes.map((node) => Number(node.dataset.seq)));

test("5,000 messages are scrolled through and back: each once, in order, and the page does not grow", async (t) => {
  const [anna, boris] = [await registerInBrowser(browser, causerie), await signUp(causerie)];
  const { page } = anna;
  const annaId = Number(await page.locator("body").getAttribute("data-user-id"));
  const device = await connect(causerie, boris);
  await sendMany(device, annaId, MANY);
  await page.goto(`${causerie.url}/chat/${boris.id}`);
  await untilLive(page);

  const up = await scrollTo(page, 1, -900);
  t.diagnostic(`up: ${JSON.stringify(up)}`);
  assert.deepEqual({ seen: up.seen, broken: up.broken }, { seen: MANY, broken: 0 });
  assert.ok(up.messages <= SHOWN_MAX && up.elements <= ELEMENTS_MAX, JSON.stringify(up));
  await page.getByRole("link", { name: "Older messages" }).waitFor({ state: "hidden" });
  assert.equal(await bubble(page, textOf(1)).count(), 1);

  await device.send(annaId, "said meanwhile");
  await page.getByRole("button", { name: "New messages" }).waitFor();
  assert.ok(!(await numbers(page)).includes(MANY + 1), "what is new is not shown beside what is old");

  const down = await scrollTo(page, MANY + 1, 900);
  t.diagnostic(`down: ${JSON.stringify(down)}`);
  assert.deepEqual({ seen: down.seen, broken: down.broken }, { seen: MANY + 1, broken: 0 });
  assert.ok(down.messages <= SHOWN_MAX && down.elements <= ELEMENTS_MAX, JSON.stringify(down));
  assert.ok(down.fewest >= SHOWN_MIN, "what was just read stays above");
  await bubble(page, "said meanwhile").waitFor();
  await page.getByRole("button", { name: "New messages" }).waitFor({ state: "hidden" });
  await device.send(annaId, "and live again");
  await bubble(page, "and live again").waitFor();

  await scrollTo(page, MANY - 1000, -900);
  await say(page, "an answer from far up");
  await untilState(bubble(page, "an answer from far up"), "sent", "delivered", "read");
  const shown = await numbers(page);
  assert.equal(shown.at(-1), MANY + 3, "who writes is at the end again");
  assert.ok(shown.every((seq, index) => index === 0 || seq === (shown[index - 1] ?? 0) + 1));
  await page.evaluate(() => document.querySelector<HTMLElement>("[data-scroller]")?.focus());
  await scrollTo(page, MANY - 1000, -900);
  await page.keyboard.press("End");
  await page.locator(`#m${MANY + 3}`).waitFor();
  assert.deepEqual(anna.complaints, []);
});

test("nothing moves by itself while a page loads, connects, and messages come", async () => {
  const [anna, boris] = [await registerInBrowser(browser, causerie), await signUp(causerie)];
  const { page } = anna;
  const annaId = Number(await page.locator("body").getAttribute("data-user-id"));
  const device = await connect(causerie, boris);
  await sendMany(device, annaId, 120);
  await page.addInitScript(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, sources = [] } = entry as PerformanceEntry & {
          value?: number;
          sources?: { node?: Node }[];
        };
        const nodes = sources.map(({ node }) =>
          node instanceof Element ? node.outerHTML.slice(0, 120) : "",
        );
        shifts.push(`${value} ${nodes.join(" | ")}`);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(`${causerie.url}/chat/${boris.id}`);
  await untilLive(page);
  await page.waitForLoadState("networkidle");
  for (let n = 0; n < 20; n += 1) await device.send(annaId, `${textOf(n)} live`);
  await bubble(page, `${textOf(19)} live`).waitFor();
  await say(page, "mine");
  await untilState(bubble(page, "mine"), "sent", "delivered", "read");
  await page.locator("[data-scroller]").evaluate((node) => node.scrollTo({ top: 300 }));
  await bubble(page, textOf(60)).waitFor({ state: "attached" });
  await device.send(annaId, "not in view");
  await page.getByRole("button", { name: "New messages" }).waitFor();
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
  assert.deepEqual(await page.evaluate("window.shifts"), []);
  assert.deepEqual(anna.complaints, []);
});
