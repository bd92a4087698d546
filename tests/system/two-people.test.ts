import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locator } from "playwright-core";
import {
  bubble,
  rowOf,
  say,
  startBrowser,
  textsOf,
  twoPeople,
  twoPeopleTalking,
  untilLive,
  untilState,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { eventually } from "../support/person.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

async function styleOf(element: Locator, property: string): Promise<string> {
  return element.evaluate((node, name) => getComputedStyle(node).getPropertyValue(name), property);
}

async function edges(element: Locator): Promise<{ left: number; right: number }> {
  const box = await element.boundingBox();
  assert.ok(box);
  return { left: box.x, right: box.x + box.width };
}

/** Red, green and blue of a colour as computed styles write it. */
function channels(colour: string): number[] {
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

test("two people register, find each other by a part of the name and talk live", async () => {
  const [anna, boris] = await twoPeople(browser, causerie);
  assert.equal(await anna.page.locator("h1").innerText(), "Users");
  await anna.page.getByText(`Welcome, ${anna.name}! Please choose someone to talk to.`).waitFor();

  await anna.page.getByPlaceholder("Search users").pressSequentially(boris.name.slice(2).toUpperCase());
  await eventually(async () => {
    const rows = anna.page.locator("[data-people] > li");
    return (await rows.count()) === 1 && (await rowOf(anna.page, boris.name).count()) === 1;
  }, "the search shows the one who fits");
  await rowOf(anna.page, boris.name).click();
  await anna.page.getByRole("heading", { name: `Chat with: ${boris.name}` }).waitFor();

  await say(anna.page, "Hello Boris");
  await untilState(bubble(anna.page, "Hello Boris"), "sent", "delivered");
  assert.equal(await anna.page.getByLabel("Message", { exact: true }).inputValue(), "");

  await rowOf(boris.page, anna.name).getByText("Hello Boris").waitFor();
  await untilState(bubble(anna.page, "Hello Boris"), "delivered");
  await boris.page.waitForFunction(() => document.title.startsWith("(1) "));
  await rowOf(boris.page, anna.name).click();
  await bubble(boris.page, "Hello Boris").waitFor();
  await untilState(bubble(anna.page, "Hello Boris"), "read");

  await say(boris.page, "Hello Anna");
  await bubble(anna.page, "Hello Anna").waitFor();
  await untilState(bubble(boris.page, "Hello Anna"), "read");
  assert.deepEqual(await textsOf(anna.page), ["Hello Boris", "Hello Anna"]);
  assert.deepEqual(await textsOf(boris.page), ["Hello Boris", "Hello Anna"]);
  assert.deepEqual(anna.complaints, []);
  assert.deepEqual(boris.complaints, []);
});

test("own messages stand right on blue, others' left on grey, each with its time at the bottom right", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const long = "a sentence that needs more than one line of its bubble, ".repeat(4).trim();
  await say(anna.page, long);
  await bubble(boris.page, long).waitFor();
  await say(boris.page, "short");
  await bubble(anna.page, "short").waitFor();

  const own = bubble(anna.page, long).locator(".bubble");
  const other = bubble(anna.page, "short").locator(".bubble");
  const sheet = await edges(anna.page.locator("[data-messages]"));
  assert.ok(Math.abs((await edges(own)).right - sheet.right) < 2, "own at the right edge");
  assert.ok((await edges(own)).left > sheet.left + 20, "own not across the whole width");
  assert.ok(Math.abs((await edges(other)).left - sheet.left) < 2, "the other's at the left edge");

  const [red = 0, green = 0, blue = 0] = channels(await styleOf(own, "background-color"));
  assert.ok(blue > 150 && blue > red + 80 && blue > green + 60, "own is blue");
  const grey = channels(await styleOf(other, "background-color"));
  assert.ok(Math.max(...grey) - Math.min(...grey) < 12, "the other's is grey");

  for (const each of [own, other]) {
    const time = each.locator("time");
    assert.match(await time.innerText(), /^\d\d:\d\d$/);
    await time.hover();
    assert.match((await time.getAttribute("title")) ?? "", /\d{4}/);
    const [box, place] = [await each.boundingBox(), await each.locator(".meta").boundingBox()];
    assert.ok(box && place);
    assert.ok(box.x + box.width - place.x - place.width < 20, "at the right");
    assert.ok(box.y + box.height - place.y - place.height < 12, "at the bottom");
  }
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("a reload shows the same conversation with the same ticks", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  for (const text of ["one", "two", "three"]) await say(anna.page, text);
  await bubble(boris.page, "three").waitFor();
  await untilState(bubble(anna.page, "three"), "read");
  for (const { page } of [anna, boris]) {
    const look = () =>
      page
        .locator("[data-messages] > *")
        .evaluateAll((nodes) =>
          nodes.map((node) => [node.className, node.textContent, node.getAttribute("data-state")]),
        );
    const seen = await look();
    await page.reload();
    await bubble(page, "three").waitFor();
    assert.deepEqual(await look(), seen);
    assert.deepEqual(await textsOf(page), ["one", "two", "three"]);
  }
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("whoever logs out turns grey on the other side within 5 seconds", async () => {
  const [anna, boris] = await twoPeople(browser, causerie);
  await rowOf(anna.page, boris.name).click();
  const row = rowOf(anna.page, boris.name);
  await row.and(anna.page.locator('[data-online="true"]')).waitFor();
  await anna.page.locator("[data-status]").getByText("Online").waitFor();
  assert.notEqual(await styleOf(row.locator(".dot"), "background-color"), "rgba(0, 0, 0, 0)");
  const green = channels(await styleOf(row.locator(".dot"), "background-color"));
  assert.ok((green[1] ?? 0) > (green[0] ?? 0) + 60, "the dot is green");

  await boris.page.getByRole("button", { name: "Logout" }).click();
  await boris.page.waitForURL(`${causerie.url}/login`);
  await row.and(anna.page.locator('[data-online="false"]')).waitFor({ timeout: 5000 });
  await anna.page.locator("[data-status]").getByText("Last seen").waitFor({ timeout: 5000 });
  const grey = channels(await styleOf(row.locator(".dot"), "background-color"));
  assert.ok(Math.max(...grey) - Math.min(...grey) < 30, "the dot is grey");
  await boris.page.goto(`${causerie.url}/`);
  await boris.page.waitForURL(/\/login/);
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("moving from page to page never looks like leaving", async () => {
  const [anna, boris] = await twoPeople(browser, causerie);
  await rowOf(anna.page, boris.name).and(anna.page.locator('[data-online="true"]')).waitFor();
  await anna.page.evaluate((name) => {
    const row = [...document.querySelectorAll<HTMLElement>("[data-people] > li")].find((each) =>
      each.textContent?.includes(name),
    );
    const seen: string[] = [];
    Object.assign(window, { seen });
    if (row)
      new MutationObserver(() => seen.push(row.dataset.online ?? "")).observe(row, { attributes: true });
  }, boris.name);
  for (const path of ["/settings", "/", "/settings", "/"]) {
    await boris.page.goto(causerie.url + path);
    await untilLive(boris.page);
  }
  assert.ok(!(await anna.page.evaluate<string[]>("window.seen")).includes("false"));
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});
