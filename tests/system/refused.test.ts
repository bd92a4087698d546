import assert from "node:assert/strict";
import { test } from "node:test";
import { registerInBrowser, startBrowser, untilLive } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";

/** What a page shows whose socket is refused. */
const causerie = await startCauserie({ LIMIT_SOCKETS_PER_USER: "1" });
const browser = await startBrowser();

test("a page too many says so calmly, and goes on working by links and forms", async () => {
  const { page, context, complaints } = await registerInBrowser(browser, causerie);
  await untilLive(page);
  const second = await context.newPage();
  await second.goto(`${causerie.url}/`);
  const banner = second.getByRole("status").filter({ hasText: "Too many pages of yours are open at once." });
  await banner.waitFor();
  assert.match(
    (await banner.textContent()) ?? "",
    /Please close some, or try again in \d+ (seconds|minutes?)\.$/,
  );
  assert.equal(await page.locator("[data-connection-banner]").isVisible(), false);
  await second.getByRole("link", { name: "Settings" }).click();
  await second.getByRole("heading", { name: "Settings" }).waitFor();
  assert.deepEqual(complaints, []);
});
