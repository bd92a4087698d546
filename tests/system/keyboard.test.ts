import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { bubble, openWindow, say, startBrowser, twoPeopleTalking, untilState } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { signUp } from "../support/person.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

/** Presses Tab until what has the focus fits, and sees that the focus is visible on the way. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    const isThere = await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector);
    if (isThere) return;
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => {
      const { activeElement } = document;
      return activeElement && activeElement !== document.body
        ? getComputedStyle(activeElement).outlineStyle
        : "solid";
    });
    assert.notEqual(outline, "none", `the focus is visible on the way to ${selector}`);
  }
  assert.fail(`Tab does not lead to ${selector}`);
}

test("login, list, conversation, sending and going back need no mouse", async () => {
  const anna = await signUp(causerie);
  const boris = await signUp(causerie);
  const { page, complaints } = await openWindow(browser);
  await page.goto(`${causerie.url}/login`);
  await tabTo(page, "#username");
  await page.keyboard.type(anna.name);
  await tabTo(page, "#password");
  await page.keyboard.type(anna.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${causerie.url}/`);

  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.id"), "main", "the skip link leads past the list");
  await page.reload();

  await tabTo(page, "#search");
  await page.keyboard.type(boris.name);
  await page.waitForFunction(() => document.querySelectorAll("[data-people] > li").length === 1);
  await tabTo(page, `[href="/chat/${boris.id}"]`);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: `Chat with: ${boris.name}` }).waitFor();

  assert.equal(await page.evaluate("document.activeElement.id"), "message", "one can write at once");
  await page.keyboard.type("typed by hand");
  await page.keyboard.press("Enter");
  await untilState(bubble(page, "typed by hand"), "sent");
  assert.equal(await page.evaluate("document.activeElement.id"), "message");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Home");
  assert.ok(
    await page.evaluate(() => document.activeElement?.matches("[data-scroller]")),
    "history scrolls by keys",
  );
  assert.deepEqual(complaints, []);
});

test("the log announces each message once: an incoming one as it comes, an own one when it is sent", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const log = anna.page.getByRole("log");
  assert.equal(await log.count(), 1);
  await log.evaluate((node) => {
    const added: string[] = [];
    Object.assign(window, { added });
    new MutationObserver((records) => {
      for (const { addedNodes, target } of records) {
        // What says "off" is not announced: the ticks.
        if (target instanceof Element && target.closest("[aria-live=off]")) continue;
        for (const each of addedNodes) added.push(each.textContent ?? "");
      }
    }).observe(node, { childList: true, subtree: true });
  });
  await say(boris.page, "from Boris");
  await bubble(anna.page, "from Boris").waitFor();
  await say(anna.page, "from Anna");
  await untilState(bubble(anna.page, "from Anna"), "read");
  await anna.page.evaluate(() => window.dispatchEvent(new Event("focus")));
  await say(boris.page, "the last");
  await bubble(anna.page, "the last").waitFor();
  const added = await anna.page.evaluate<string[]>("window.added");
  for (const text of ["from Boris", "from Anna", "the last"]) {
    assert.equal(
      added.filter((each) => each.includes(text)).length,
      1,
      `${text} in ${JSON.stringify(added)}`,
    );
  }
  assert.ok(
    added.some((each) => each.startsWith(`${boris.name}:`)),
    "with the name of who wrote it",
  );
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});
