import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bubble,
  openWindow,
  registerInBrowser,
  rowOf,
  say,
  startBrowser,
  twoPeopleTalking,
  untilState,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

const isDark =
  "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every((part) => part < 60)";

test("dark follows the system until it is toggled, and is remembered here and on other devices", async () => {
  const anna = await registerInBrowser(browser, causerie, { colorScheme: "dark" });
  const { page } = anna;
  assert.equal(await page.evaluate(isDark), true);
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(await page.evaluate(isDark), false);

  const remembered = page.waitForResponse((response) => response.url().endsWith("/theme"));
  await page.getByRole("button", { name: "Toggle Dark Mode" }).click();
  assert.equal(await page.evaluate(isDark), true, "at once");
  await remembered;
  const html = await (await anna.context.request.get(`${causerie.url}/`)).text();
  assert.match(html, /<html [^>]*class="dark"/, "drawn by the server, so that nothing flashes");
  await page.reload();
  assert.equal(await page.evaluate(isDark), true);

  const other = await openWindow(browser, { colorScheme: "light" });
  await other.page.goto(`${causerie.url}/login`);
  assert.equal(await other.page.evaluate(isDark), false);
  await other.page.getByLabel("Username").fill(anna.name);
  await other.page.getByLabel("Password").fill(`password of ${anna.name}`);
  await other.page.getByRole("button", { name: "Login" }).click();
  await other.page.waitForURL(`${causerie.url}/`);
  assert.equal(await other.page.evaluate(isDark), true);
  assert.deepEqual([...anna.complaints, ...other.complaints], []);
});

test("French comes with the browser's language, and everything live speaks it too", async () => {
  const [anna, boris] = await Promise.all([registerFrench("fr-CA"), registerInBrowser(browser, causerie)]);
  await anna.page.reload();
  assert.equal(await anna.page.locator("html").getAttribute("lang"), "fr");
  await anna.page.getByRole("button", { name: "Déconnexion" }).waitFor();
  await rowOf(anna.page, boris.name).getByRole("link").click();
  await anna.page.getByLabel("Message", { exact: true }).fill("Bonjour");
  await anna.page.getByLabel("Message", { exact: true }).press("Enter");
  await untilState(bubble(anna.page, "Bonjour"), "delivered");
  await bubble(anna.page, "Bonjour").getByText("Reçu").waitFor({ state: "attached" });
  assert.equal(await anna.page.locator("[data-day]").innerText(), "Aujourd’hui");
  await anna.page.goto(`${causerie.url}/settings`);
  await anna.page.locator("#locale").selectOption("en");
  await anna.page.locator("form[action='/locale'] button").first().click();
  await anna.page.getByRole("heading", { name: "Settings" }).waitFor();
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

async function registerFrench(locale: string) {
  const window = await openWindow(browser, { locale });
  const name = `f${Date.now().toString(36)}`;
  await window.page.goto(`${causerie.url}/register`);
  await window.page.locator("#username").fill(name);
  await window.page.locator("#password").fill(`password of ${name}`);
  await window.page.locator("main form button").click();
  await window.page.waitForURL(`${causerie.url}/`);
  return { ...window, name };
}

test("texts in right-to-left scripts run from the right inside bubbles that keep their side", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const arabic = "مرحبا بك في المحادثة، كيف حالك اليوم؟";
  await say(anna.page, arabic);
  await bubble(boris.page, arabic).waitFor();
  for (const { page } of [anna, boris]) {
    const text = bubble(page, arabic).locator(".text");
    assert.equal(await text.evaluate((node) => node.matches(":dir(rtl)")), true);
    const lefts = await text.evaluate((node) => {
      const range = document.createRange();
      const first = node.firstChild;
      if (!first) return null;
      const leftOf = (index: number) => {
        range.setStart(first, index);
        range.setEnd(first, index + 1);
        return range.getBoundingClientRect().left;
      };
      return [leftOf(0), leftOf(4)];
    });
    assert.ok(lefts && (lefts[0] ?? 0) > (lefts[1] ?? 0), "its first letter is right of the fifth");
  }
  const own = await bubble(anna.page, arabic).locator(".bubble").boundingBox();
  const other = await bubble(boris.page, arabic).locator(".bubble").boundingBox();
  assert.ok(own && other && own.x > other.x, "own stays right, the other's left");
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("line breaks are kept, links are links, and a long word does not leave its bubble", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const field = anna.page.getByLabel("Message", { exact: true });
  await field.pressSequentially("first");
  await field.press("Shift+Enter");
  await field.pressSequentially("see https://example.org/path?a=1&b=2.");
  await field.press("Enter");
  const link = boris.page.locator(".message a");
  assert.equal(await link.getAttribute("href"), "https://example.org/path?a=1&b=2");
  assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
  assert.match(await boris.page.locator(".message .text").innerText(), /^first\nsee https/);
  await say(anna.page, "w".repeat(3000));
  await bubble(boris.page, "w".repeat(3000)).waitFor();
  for (const { page } of [anna, boris]) {
    await page.setViewportSize({ width: 360, height: 640 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});

test("on a phone list and conversation are one at a time, with a way back", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie, {
    viewport: { width: 390, height: 780 },
    hasTouch: true,
    isMobile: true,
  });
  assert.equal(await rowOf(anna.page, boris.name).isVisible(), false);
  await anna.page.getByLabel("Message", { exact: true }).tap();
  await anna.page.keyboard.type("from a phone");
  await anna.page.getByRole("button", { name: "Send" }).tap();
  await bubble(boris.page, "from a phone").waitFor();
  assert.equal(await anna.page.evaluate("document.activeElement.id"), "message", "the keyboard stays");
  await anna.page.getByRole("link", { name: "Back to the list" }).tap();
  await rowOf(anna.page, boris.name).waitFor();
  assert.ok(await anna.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual([...anna.complaints, ...boris.complaints], []);
});
