import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { bubble, registerInBrowser, startBrowser, textsOf, type Visitor } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { type Person, signUp } from "../support/person.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `message ${from + index}`);

/** Somebody who has got `count` messages, the first 40 of them two days ago. */
async function reader(count: number): Promise<[Visitor, Person]> {
  const [anna, boris] = await Promise.all([registerInBrowser(browser, causerie), signUp(causerie)]);
  const id = await anna.page.locator("body").getAttribute("data-user-id");
  for (let n = 1; n <= count; n += 1) {
    const answer = await boris.post(`/chat/${id}/messages`, { message: `message ${n}` });
    assert.equal(answer.status, 303);
  }
  await causerie.rows(
    "UPDATE messages SET created_at = created_at - INTERVAL 2 DAY WHERE sender_id = ? AND seq <= 40",
    [boris.id],
  );
  return [anna, boris];
}

const scroller = (page: Page) => page.locator("[data-scroller]");

/** How far a message is from the top of the window, in px. */
async function topOf(page: Page, text: string): Promise<number> {
  return bubble(page, text).evaluate((node) => node.getBoundingClientRect().top);
}

test("a conversation opens at its newest 50, and older ones come while scrolling without moving what is read", async () => {
  const [anna, boris] = await reader(130);
  const { page } = anna;
  await page.goto(`${causerie.url}/chat/${boris.id}`);
  assert.deepEqual(await textsOf(page), numbers(81, 130));
  assert.ok((await topOf(page, "message 130")) < 800, "the newest is in view");

  await scroller(page).evaluate((node) => node.scrollTo({ top: 700 }));
  await bubble(page, "message 81").waitFor({ state: "attached" });
  const before = await topOf(page, "message 95");
  await scroller(page).evaluate((node) => node.scrollBy({ top: -300 }));
  await bubble(page, "message 31").waitFor({ state: "attached" });
  await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.ok(Math.abs((await topOf(page, "message 95")) - before - 300) < 2, "what is read stays where it is");

  await scroller(page).evaluate((node) => node.scrollTo({ top: 0 }));
  await bubble(page, "message 1").waitFor({ state: "attached" });
  assert.deepEqual(await textsOf(page), numbers(1, 130));
  await page.getByRole("link", { name: "Older messages" }).waitFor({ state: "hidden" });

  const days = page.locator("[data-day]");
  assert.equal(await days.count(), 2);
  assert.equal(await days.last().innerText(), "Today");
  assert.equal(await days.last().evaluate((node) => node.nextElementSibling?.getAttribute("data-seq")), "41");
  assert.match(await days.first().innerText(), /^\w+day, /);
  assert.deepEqual(anna.complaints, []);
});

test("somebody who reads further up is not moved by what comes, and a button leads to it", async () => {
  const [anna, boris] = await reader(60);
  const { page } = anna;
  const id = await page.locator("body").getAttribute("data-user-id");
  await page.goto(`${causerie.url}/chat/${boris.id}`);
  await scroller(page).evaluate((node) => node.scrollTo({ top: 200 }));
  await bubble(page, "message 1").waitFor({ state: "attached" });
  const before = await topOf(page, "message 30");
  await boris.post(`/chat/${id}/messages`, { message: "something new" });
  await bubble(page, "something new").waitFor({ state: "attached" });
  assert.equal(await topOf(page, "message 30"), before);
  await page.getByRole("button", { name: "New messages" }).click();
  await page.getByRole("button", { name: "New messages" }).waitFor({ state: "hidden" });
  assert.ok((await topOf(page, "something new")) < 800);
  assert.deepEqual(anna.complaints, []);
});

test("a link to a message shows it in its place, and leads on to what is newer", async () => {
  const [anna, boris] = await reader(130);
  const { page } = anna;
  await page.goto(`${causerie.url}/chat/${boris.id}/messages?around=60`);
  const top = await topOf(page, "message 60");
  assert.ok(top > 100 && top < 700, `in the middle of the window, not at ${top}`);
  assert.equal((await textsOf(page)).at(-1), "message 84");
  await page.goto(`${causerie.url}/chat/${boris.id}/messages?around=129#m129`);
  assert.ok((await topOf(page, "message 129")) < 800);
  await page.goto(`${causerie.url}/chat/${boris.id}/messages?around=60`);
  await page.getByRole("link", { name: "Newer messages" }).click();
  await bubble(page, "message 85").waitFor();
  assert.equal((await textsOf(page)).at(-1), "message 130");
  assert.equal(await page.getByRole("link", { name: "Newer messages" }).count(), 0);
  assert.deepEqual(anna.complaints, []);
});

test("a tab that stays open keeps its newest messages and finds the older ones again", async () => {
  const [anna, boris] = await reader(1);
  const { page } = anna;
  const id = Number(await page.locator("body").getAttribute("data-user-id"));
  await page.goto(`${causerie.url}/chat/${boris.id}`);
  await page.locator("body[data-connected]").waitFor();
  for (let start = 2; start <= 620; start += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        boris.post(`/chat/${id}/messages`, { message: `more ${start + index}` }),
      ),
    );
  }
  await page.waitForFunction(() => document.querySelector("[data-seq='621']") !== null);
  assert.ok((await page.locator("[data-messages] > .message").count()) < 600);
  const seqs = () =>
    page
      .locator("[data-messages] > .message")
      .evaluateAll((nodes) => nodes.map((node) => Number(node.getAttribute("data-seq"))));
  const [first = 0] = await seqs();
  await scroller(page).evaluate((node) => node.scrollTo({ top: 0 }));
  await page.waitForFunction((seq) => document.getElementById(`m${seq}`), first - 50);
  const shown = await seqs();
  assert.deepEqual(
    shown,
    Array.from(shown, (_, index) => (shown[0] ?? 0) + index),
    "no gap, no double",
  );
  assert.deepEqual(anna.complaints, []);
});
