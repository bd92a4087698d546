import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bubble,
  openChat,
  registerInBrowser,
  say,
  startBrowser,
  textsOf,
  untilLive,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

test("plain http on a home network, where browsers lend less, sends and keeps as well", async () => {
  const anna = await registerInBrowser(browser, causerie);
  const boris = await registerInBrowser(browser, causerie);
  await anna.context.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
    Object.defineProperty(Crypto.prototype, "randomUUID", { value: undefined });
    Object.defineProperty(window, "cookieStore", { value: undefined });
  });
  await anna.page.reload();
  assert.equal(await anna.page.evaluate("navigator.locks"), undefined);
  await openChat(anna.page, boris.name);
  await openChat(boris.page, anna.name);
  const second = await anna.context.newPage();
  await second.goto(anna.page.url());
  await Promise.all([untilLive(anna.page), untilLive(second)]);
  await Promise.all([say(anna.page, "one"), say(second, "two")]);
  await bubble(boris.page, "one").waitFor();
  await bubble(boris.page, "two").waitFor();
  await anna.context.setOffline(true);
  await say(anna.page, "three");
  await anna.context.setOffline(false);
  await bubble(boris.page, "three").waitFor();
  const texts = await textsOf(boris.page);
  assert.deepEqual([...texts].sort(), ["one", "three", "two"]);
  const stored = await causerie.rows<{ message: string }>("SELECT message FROM messages ORDER BY seq");
  assert.deepEqual(
    stored.map((row) => row.message),
    texts,
  );
  assert.deepEqual(
    anna.complaints.filter((each) => !/net::ERR_/.test(each)),
    [],
  );
});
