import assert from "node:assert/strict";
import { test } from "node:test";
import { openChat, registerInBrowser, startBrowser, twoPeopleTalking } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { HOSTILE_TEXTS } from "../support/hostile-texts.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

test("nothing that is typed is ever anything but text: live, after a reload, in the list and in a draft", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const field = anna.page.getByLabel("Message", { exact: true });
  const texts = () =>
    boris.page
      .locator("[data-messages] > .message .text")
      .evaluateAll((nodes) => nodes.map((node) => node.textContent));
  for (const text of HOSTILE_TEXTS) {
    await field.fill(text);
    await field.press("Enter");
  }
  await boris.page.waitForFunction(
    (count) => document.querySelectorAll(".messages > .message").length === count,
    HOSTILE_TEXTS.length,
  );
  assert.deepEqual(await texts(), HOSTILE_TEXTS);
  await boris.page.reload();
  assert.deepEqual(await texts(), HOSTILE_TEXTS);
  const inside = await boris.page
    .locator("[data-messages] .text *")
    .evaluateAll((nodes) =>
      nodes.map((node) => [node.localName, node.getAttribute("href")?.split(":")[0]].join()),
    );
  assert.deepEqual([...new Set(inside)], ["a,https"]);

  await field.fill(HOSTILE_TEXTS.join("\n"));
  await anna.page.reload();
  assert.equal(await field.inputValue(), HOSTILE_TEXTS.join("\n"));
  for (const { page } of [anna, boris]) {
    await page.goto(`${causerie.url}/`);
    assert.equal(await page.evaluate("window.hacked"), undefined);
    assert.equal(await page.locator("script:not([src])").count(), 0);
  }
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("names and searches are text as well", async () => {
  const odd = `--proto--.${Date.now().toString(36)}`;
  const anna = await registerInBrowser(browser, causerie, {}, odd);
  const boris = await registerInBrowser(browser, causerie);
  await openChat(boris.page, odd);
  await anna.page.getByPlaceholder("Search users").fill(`<img src=x onerror=window.hacked=1>{{q}}`);
  await anna.page.getByText("Nobody's name contains “<img src=x onerror=window.hacked=1>{{q}}”.").waitFor();
  await anna.page.goto(`${causerie.url}/?q=${encodeURIComponent(`"><script>window.hacked=1</script>`)}`);
  await anna.page.getByText("Nobody's name contains “\"><script>window.hacked=1</script>”.").waitFor();
  assert.equal(await anna.page.evaluate("window.hacked"), undefined);
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});
