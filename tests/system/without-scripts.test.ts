import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bubble,
  openChat,
  registerInBrowser,
  rowOf,
  say,
  startBrowser,
  textsOf,
  twoPeople,
  type Visitor,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { eventually, newName, signUp } from "../support/person.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);
const noScripts = { javaScriptEnabled: false };

/** What the list says now, after a reload as a person without scripts does it. */
async function unreadOf(page: Visitor["page"], name: string): Promise<string | null> {
  await page.goto(`${causerie.url}/`);
  return rowOf(page, name).getAttribute("data-unread");
}

test("two people find each other and talk by forms alone", async () => {
  const [anna, boris] = await twoPeople(browser, causerie, noScripts);
  await anna.page.getByPlaceholder("Search users").fill(boris.name.slice(3));
  await anna.page.getByRole("button", { name: "Search" }).click();
  await anna.page.waitForURL(/\?q=/);
  assert.equal(await anna.page.locator("[data-people] > li").count(), 1);
  await openChat(anna.page, boris.name);
  await say(anna.page, "Hello without scripts");
  await bubble(anna.page, "Hello without scripts").waitFor();
  assert.match(anna.page.url(), /\/chat\/\d+$/);

  assert.equal(await unreadOf(boris.page, anna.name), "1");
  assert.match(await boris.page.title(), /^\(1\) /);
  await openChat(boris.page, anna.name);
  await bubble(boris.page, "Hello without scripts").waitFor();
  assert.equal(await bubble(boris.page, "Hello without scripts").getAttribute("data-state"), null);
  await eventually(async () => (await unreadOf(boris.page, anna.name)) === "0", "reading clears the badge");
  assert.doesNotMatch(await boris.page.title(), /^\(/);

  await anna.page.reload();
  assert.equal(await bubble(anna.page, "Hello without scripts").getAttribute("data-state"), "read");
  await openChat(boris.page, anna.name);
  await say(boris.page, "And back");
  await anna.page.reload();
  assert.deepEqual(await textsOf(anna.page), ["Hello without scripts", "And back"]);
  assert.match(await bubble(anna.page, "And back").locator("time").innerText(), /^\d\d:\d\d$/);
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("bubbles, sides and colours are the same as with scripts, and a conversation opens at its end", async () => {
  const [anna, boris] = await twoPeople(browser, causerie, noScripts);
  await openChat(anna.page, boris.name);
  for (const text of ["first", "x\n".repeat(40), "last"]) await say(anna.page, text);
  const own = bubble(anna.page, "last");
  assert.ok(
    await own.evaluate((node) => node.getBoundingClientRect().bottom <= innerHeight),
    "the end is in view",
  );
  const [box, list] = [
    await own.locator(".bubble").boundingBox(),
    await anna.page.locator("[data-messages]").boundingBox(),
  ];
  assert.ok(box && list && list.width > 500);
  assert.ok(Math.abs(box.x + box.width - list.x - list.width) < 2);
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("a refused message comes back with its text and the reason, and Send pressed twice stores once", async () => {
  const [anna, boris] = await twoPeople(browser, causerie, noScripts);
  await openChat(anna.page, boris.name);
  const field = anna.page.getByLabel("Message", { exact: true });
  const tooLong = "a".repeat(4001);
  await say(anna.page, tooLong);
  await anna.page.getByText("This is too long.").waitFor();
  assert.equal(await field.inputValue(), tooLong);
  await say(anna.page, " \u200b ");
  await anna.page.getByText("Write something first.").waitFor();

  await field.fill("  indented\n\nand spaced");
  const clientId = await anna.page.locator("[name=clientId]").getAttribute("value");
  await anna.page.getByRole("button", { name: "Send" }).dblclick();
  await bubble(anna.page, "indented\n\nand spaced").waitFor();
  await anna.page.reload();
  const again = await anna.page.locator("[name=clientId]").getAttribute("value");
  assert.notEqual(again, clientId, "every page has a new id for a new message");
  assert.deepEqual(await textsOf(anna.page), ["indented\n\nand spaced"]);
  assert.deepEqual(
    [...anna.complaints, ...boris.complaints].filter((each) => !/status of 4\d\d/.test(each)),
    [],
  );
});

test("history is reached by links, with separators between days", async () => {
  const [anna, boris] = await Promise.all([
    registerInBrowser(browser, causerie, noScripts),
    signUp(causerie, newName()),
  ]);
  const id = Number(await anna.page.locator("body").getAttribute("data-user-id"));
  for (let n = 1; n <= 60; n += 1) await boris.post(`/chat/${id}/messages`, { message: `message ${n}` });
  await causerie.rows(
    "UPDATE messages SET created_at = created_at - INTERVAL 2 DAY WHERE sender_id = ? AND seq <= 30",
    [boris.id],
  );
  await anna.page.goto(`${causerie.url}/chat/${boris.id}`);
  assert.equal((await textsOf(anna.page)).length, 50);
  assert.equal(await anna.page.locator("[data-day]").count(), 2);
  await anna.page.getByRole("link", { name: "Older messages" }).click();
  assert.deepEqual(
    await textsOf(anna.page),
    Array.from({ length: 10 }, (_, index) => `message ${index + 1}`),
  );
  assert.equal(await anna.page.getByRole("link", { name: "Older messages" }).count(), 0);
  await anna.page.getByRole("link", { name: "Newer messages" }).click();
  await bubble(anna.page, "message 40").waitFor();
  assert.deepEqual(anna.complaints, []);
});

test("appearance, language, time zone and logging out are forms", async () => {
  const anna = await registerInBrowser(browser, causerie, noScripts);
  const { page } = anna;
  await page.getByRole("button", { name: "Toggle Dark Mode" }).click();
  assert.equal(await page.locator("html").getAttribute("class"), "dark");
  assert.equal(page.url(), `${causerie.url}/`);
  await page.getByRole("button", { name: "Toggle Dark Mode" }).click();
  assert.equal(await page.locator("html").getAttribute("class"), "light");

  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("combobox", { name: "Time zone" }).fill("Nowhere/Land");
  await page.getByRole("button", { name: "Save time zone" }).click();
  await page.getByText("There is no time zone of this name.").waitFor();
  await page.getByRole("combobox", { name: "Time zone" }).fill("Europe/Paris");
  await page.getByRole("button", { name: "Save time zone" }).click();
  assert.equal(await page.getByRole("combobox", { name: "Time zone" }).inputValue(), "Europe/Paris");
  await page.getByRole("combobox", { name: "Language" }).selectOption("fr");
  await page.getByRole("button", { name: "Save language" }).click();
  assert.equal(await page.locator("html").getAttribute("lang"), "fr");
  await page.locator("form[action='/logout'] button").click();
  await page.waitForURL(`${causerie.url}/login`);
  await page.goto(`${causerie.url}/`);
  await page.waitForURL(/\/login\?next=/);
  assert.deepEqual(
    anna.complaints.filter((each) => !/status of 400/.test(each)),
    [],
  );
});

test("somebody without scripts is online after a request and grey at once after logging out", async () => {
  const [anna, boris] = await Promise.all([
    registerInBrowser(browser, causerie),
    registerInBrowser(browser, causerie, noScripts),
  ]);
  const row = rowOf(anna.page, boris.name);
  await anna.page.reload();
  await row.and(anna.page.locator('[data-online="true"]')).waitFor();
  await boris.page.getByRole("button", { name: "Logout" }).click();
  await boris.page.waitForURL(`${causerie.url}/login`);
  await row.and(anna.page.locator('[data-online="false"]')).waitFor({ timeout: 5000 });
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});
