import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bubble,
  listenTo,
  openChat,
  rowOf,
  say,
  startBrowser,
  twoPeople,
  twoPeopleTalking,
  untilLive,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

test("what is unread shows in the list and in the title of every tab, and reading in one clears all", async () => {
  const [anna, boris] = await twoPeople(browser, causerie);
  const second = await anna.context.newPage();
  const complaints = listenTo(second);
  await second.goto(`${causerie.url}/settings`);
  await untilLive(second);
  const third = await anna.context.newPage();
  await third.goto(`${causerie.url}/`);
  await untilLive(third);
  await openChat(boris.page, anna.name);
  for (const text of ["one", "two"]) await say(boris.page, text);
  for (const page of [anna.page, third]) {
    await rowOf(page, boris.name).and(page.locator('[data-unread="2"]')).waitFor();
    assert.equal(await rowOf(page, boris.name).locator(".badge").innerText(), "2");
    await rowOf(page, boris.name).getByText("2 unread").waitFor();
    assert.match(await page.title(), /^\(1\) /, "conversations are counted, not messages");
  }
  await second.waitForFunction(() => document.title.startsWith("(1) "));

  await openChat(third, boris.name);
  for (const page of [anna.page, third]) {
    await rowOf(page, boris.name).and(page.locator('[data-unread="0"]')).waitFor();
    await page.waitForFunction(() => !document.title.startsWith("("));
    await rowOf(page, boris.name).locator(".badge").waitFor({ state: "hidden" });
  }
  await second.waitForFunction(() => !document.title.startsWith("("));
  assert.deepEqual([...anna.complaints, ...boris.complaints, ...complaints], []);
});

test("a message that is read as it comes never shows as unread", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  await anna.page.bringToFront();
  await anna.page.evaluate(() => {
    const titles: string[] = [];
    Object.assign(window, { titles });
    const title = document.querySelector("title");
    if (title) new MutationObserver(() => titles.push(document.title)).observe(title, { childList: true });
  });
  for (const text of ["one", "two", "three"]) await say(boris.page, text);
  await bubble(anna.page, "three").waitFor();
  await bubble(boris.page, "three").and(boris.page.locator("[data-state=read]")).waitFor();
  assert.deepEqual(await anna.page.evaluate("window.titles"), []);
  assert.equal(await rowOf(anna.page, boris.name).getAttribute("data-unread"), "0");
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("typing shows while it happens, and goes with the message or 5 seconds after the last key", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const typing = anna.page.getByText(`${boris.name} is typing…`);
  const field = boris.page.getByLabel("Message", { exact: true });
  await field.pressSequentially("Hel");
  await typing.waitFor();
  await field.press("Enter");
  await bubble(anna.page, "Hel").waitFor();
  await typing.waitFor({ state: "hidden" });
  await field.pressSequentially("Hello?");
  await typing.waitFor();
  await typing.waitFor({ state: "hidden", timeout: 6000 });
  await field.fill("");
  await field.pressSequentially("x");
  await typing.waitFor();
  await field.press("Backspace");
  await typing.waitFor({ state: "hidden", timeout: 2000 });
  const stored = await causerie.rows<{ message: string }>("SELECT message FROM messages");
  assert.ok(!stored.some((row) => row.message === "Hello?"));
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("somebody who closes the last tab is offline within 5 seconds, last seen just now", async () => {
  const [anna, boris] = await twoPeople(browser, causerie);
  await openChat(anna.page, boris.name);
  await anna.page.locator("[data-status]").getByText("Online").waitFor();
  await untilLive(boris.page);
  await boris.page.close();
  await anna.page
    .locator("[data-status]")
    .getByText(/^Last seen \d\d:\d\d$/)
    .waitFor({ timeout: 5000 });
  await anna.page.reload();
  assert.match(await anna.page.locator("[data-status]").innerText(), /^Last seen \d\d:\d\d$/);
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});
