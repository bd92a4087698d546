import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import {
  bubble,
  passwordOf,
  say,
  startBrowser,
  textsOf,
  twoPeopleTalking,
  untilLive,
  untilState,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { eventually } from "../support/person.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

/** What a page complained about, apart from the network that the test took away. */
const withoutNetwork = (complaints: string[]) =>
  complaints.filter((each) => !/net::ERR_|WebSocket connection|status of 503/.test(each));

const banner = (page: Page) => page.getByText("Connection lost. Reconnecting…");

/** Texts of everything stored between two people, in order. */
async function stored(): Promise<string[]> {
  const rows = await causerie.rows<{ message: string }>(
    "SELECT message FROM messages WHERE conversation_id = (SELECT MAX(id) FROM conversations) ORDER BY seq",
  );
  return rows.map((row) => row.message);
}

test("what is typed offline waits, and arrives once and in order when the network is back", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  await say(anna.page, "before");
  await untilState(bubble(anna.page, "before"), "read");
  await anna.context.setOffline(true);
  for (const text of ["one", "two", "three"]) await say(anna.page, text);
  await banner(anna.page).waitFor();
  assert.equal(await bubble(anna.page, "three").getAttribute("data-state"), "pending");
  await bubble(anna.page, "three").getByText("Sending").waitFor({ state: "attached" });
  await say(boris.page, "meanwhile");
  await anna.context.setOffline(false);
  await untilState(bubble(anna.page, "three"), "read");
  await banner(anna.page).waitFor({ state: "hidden" });
  const texts = await stored();
  assert.deepEqual(
    texts.filter((text) => text !== "meanwhile"),
    ["before", "one", "two", "three"],
  );
  await bubble(anna.page, "meanwhile").waitFor();
  assert.deepEqual(await textsOf(anna.page), texts);
  assert.deepEqual(await textsOf(boris.page), texts);
  assert.deepEqual(withoutNetwork(anna.complaints), []);
  assert.deepEqual(boris.complaints, []);
});

test("what waits shows in every tab, is sent by one of them, and no bubble is doubled", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const second = await anna.context.newPage();
  await second.goto(anna.page.url());
  await untilLive(second);
  await anna.context.setOffline(true);
  await say(anna.page, "one");
  await bubble(second, "one").waitFor();
  await say(second, "two");
  await bubble(anna.page, "two").waitFor();
  await say(anna.page, "three");
  await anna.context.setOffline(false);
  await bubble(boris.page, "three").waitFor();
  assert.deepEqual(await stored(), ["one", "two", "three"]);
  for (const page of [anna.page, second, boris.page]) {
    await eventually(
      async () => (await textsOf(page)).join() === "one,two,three",
      "every tab shows each once, in order",
    );
  }
  await untilState(bubble(second, "three"), "delivered", "read");
  assert.deepEqual(withoutNetwork([...anna.complaints, ...boris.complaints]), []);
});

test("a draft is kept over a reload, and gone once it was sent", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const field = anna.page.getByLabel("Message", { exact: true });
  await field.fill("half a sent");
  await anna.page.reload();
  assert.equal(await field.inputValue(), "half a sent");
  await say(anna.page, "a sentence");
  await untilState(bubble(anna.page, "a sentence"), "sent", "delivered", "read");
  await anna.page.reload();
  assert.equal(await field.inputValue(), "");
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("a refused message says why, and can be tried again or given up", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  await say(anna.page, "\u2800");
  const refused = anna.page.locator("[data-state=failed]");
  await refused.getByText("Write something first.").waitFor();
  await say(anna.page, "after it");
  assert.equal(await bubble(anna.page, "after it").getAttribute("data-state"), "pending", "order is kept");
  await anna.page.reload();
  await refused.getByRole("button", { name: "Retry" }).click();
  await refused.getByText("Write something first.").waitFor();
  await refused.getByRole("button", { name: "Discard" }).click();
  await refused.waitFor({ state: "detached" });
  await untilState(bubble(anna.page, "after it"), "read");
  assert.deepEqual(await stored(), ["after it"]);
  await anna.page.reload();
  assert.deepEqual(await textsOf(anna.page), ["after it"]);
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("a lost session leads to the login, and whoever logs in as the same sends what waited", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const second = await anna.context.newPage();
  await second.goto(`${causerie.url}/settings`);
  // Another tab of hers seems to be sending, until it leaves; so this text waits.
  await second.evaluate(
    async (name) => {
      await new Promise<void>((held) => {
        void navigator.locks.request(name, () => {
          held();
          return new Promise(() => undefined);
        });
      });
    },
    `causerie-outbox-${await second.locator("body").getAttribute("data-user-id")}`,
  );
  await say(anna.page, "typed before the door closed");
  await second.getByRole("button", { name: "Logout" }).click();
  await anna.page.waitForURL(/\/login\?next=%2Fchat/);
  assert.ok(!(await stored()).includes("typed before the door closed"));
  await anna.page.getByLabel("Username").fill(anna.name);
  await anna.page.getByLabel("Password").fill(passwordOf(anna.name));
  await anna.page.getByRole("button", { name: "Login" }).click();
  await untilState(bubble(anna.page, "typed before the door closed"), "read");
  assert.deepEqual(await stored(), ["typed before the door closed"]);
  await bubble(boris.page, "typed before the door closed").waitFor();
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("what is typed while the server is away outlives a reload and its restart, ticks included", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  await say(boris.page, "hello");
  await bubble(anna.page, "hello").waitFor();
  const chat = anna.page.url();
  await causerie.stop("SIGKILL");
  const typed = Array.from({ length: 5 }, (_, index) => `typed ${index}`);
  for (const text of typed) await say(anna.page, text);
  await anna.page.getByLabel("Message", { exact: true }).fill("a draft");
  await banner(anna.page).waitFor();
  await anna.page.goto("about:blank");
  const node = await causerie.another({ PORT: new URL(causerie.url).port });
  await anna.page.goto(chat);
  await untilState(bubble(anna.page, "typed 4"), "read");
  assert.equal(await anna.page.getByLabel("Message", { exact: true }).inputValue(), "a draft");
  assert.deepEqual(await stored(), ["hello", ...typed]);
  assert.deepEqual(await textsOf(anna.page), ["hello", ...typed]);
  assert.deepEqual(await textsOf(boris.page), ["hello", ...typed]);
  assert.equal(await anna.page.locator("[data-state]:not([data-state=read])").count(), 0);
  assert.ok(node.url);
  assert.deepEqual(withoutNetwork([...anna.complaints, ...boris.complaints]), []);
});

test("a queue that is longer than the limit waits as told and arrives whole, once and in order", async () => {
  const limited = await causerie.another({ LIMIT_SEND_PER_USER: "5/1s" });
  const [anna, boris] = await twoPeopleTalking(browser, limited);
  const texts = Array.from({ length: 25 }, (_, index) => `queued ${index}`);
  await anna.context.setOffline(true);
  for (const text of texts) await say(anna.page, text);
  await anna.context.setOffline(false);
  await bubble(boris.page, "queued 24").waitFor({ timeout: 40_000 });
  assert.deepEqual(await stored(), texts);
  await untilState(bubble(anna.page, "queued 24"), "read");
  assert.equal(await anna.page.locator(".failed").count(), 0);
  assert.deepEqual(await textsOf(anna.page), texts);
});
