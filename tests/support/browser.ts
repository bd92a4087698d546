import { after } from "node:test";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from "playwright-core";
import type { Causerie } from "./causerie.ts";
import { newName, passwordOf } from "./person.ts";

export { passwordOf } from "./person.ts";

/** Real browsers, each with what it complained about. */

const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--no-first-run", "--disable-quic"],
];

const WAIT_MS = 10_000;

/** Starts Chromium for this file's tests, with flags of its own. */
export async function startBrowser(flags: string[] = []): Promise<Browser> {
  const args = [...FLAGS, ...flags];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
  after(() => browser.close());
  return browser;
}

export interface Visitor {
  name: string;
  page: Page;
  context: BrowserContext;
  /** Console errors, page errors and violations of the content security policy so far. */
  complaints: string[];
}

/** Opens a window for somebody who is not known yet; it closes with the test. */
export async function openWindow(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Omit<Visitor, "name">> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  after(() => context.close());
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  return { context, page, complaints: listenTo(page) };
}

/** Collects what a page complains about, CSP violations included (Chromium reports them to the console). */
export function listenTo(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /Content Security Policy|Trusted Type/i.test(message.text())) {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}

/** Registers somebody by the page's own form and ends at the list. */
export async function registerInBrowser(
  browser: Browser,
  causerie: Causerie,
  options: BrowserContextOptions = {},
  name = newName(),
): Promise<Visitor> {
  const window = await openWindow(browser, options);
  await window.page.goto(`${causerie.url}/register`);
  await window.page.getByLabel("Username").fill(name);
  await window.page.getByLabel("Password").fill(passwordOf(name));
  await window.page.getByRole("button", { name: "Register" }).click();
  await window.page.waitForURL(`${causerie.url}/`);
  return { ...window, name };
}

/** Two people at the list, each in a browser of their own, each in the other's list. */
export async function twoPeople(
  browser: Browser,
  causerie: Causerie,
  options: BrowserContextOptions = {},
): Promise<[Visitor, Visitor]> {
  const one = await registerInBrowser(browser, causerie, options);
  const other = await registerInBrowser(browser, causerie, options);
  await one.page.reload();
  return [one, other];
}

/** The same two in their conversation, connected. */
export async function twoPeopleTalking(
  browser: Browser,
  causerie: Causerie,
  options: BrowserContextOptions = {},
): Promise<[Visitor, Visitor]> {
  const [one, other] = await twoPeople(browser, causerie, options);
  await Promise.all([openChat(one.page, other.name), openChat(other.page, one.name)]);
  await Promise.all([untilLive(one.page), untilLive(other.page)]);
  return [one, other];
}

/** Follows somebody's row in the list to the conversation. */
export async function openChat(page: Page, name: string): Promise<void> {
  await rowOf(page, name).getByRole("link").click();
  await page.getByRole("heading", { name: `Chat with: ${name}` }).waitFor();
}

/** Somebody's row in the list. */
export function rowOf(page: Page, name: string): Locator {
  return page.locator("[data-people] > li").filter({ has: page.getByText(name, { exact: true }) });
}

/** The bubble with exactly this text. */
export function bubble(page: Page, text: string): Locator {
  return page.locator("[data-messages] > .message").filter({ has: page.getByText(text, { exact: true }) });
}

/** Types into the composer and presses Send. */
export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/** The texts of the conversation as they stand, from the oldest. */
export function textsOf(page: Page): Promise<string[]> {
  return page.locator("[data-messages] > .message .text").allTextContents();
}

/** Waits until an own message shows one of these states. */
export async function untilState(message: Locator, ...states: string[]): Promise<void> {
  const wanted = states.map((state) => `[data-state="${state}"]`).join();
  await message.and(message.page().locator(wanted)).waitFor();
}

/** Waits until a page's socket is open, for what happens to those who are connected. */
export async function untilLive(page: Page): Promise<void> {
  await page.locator("body[data-connected]").waitFor();
}
