import { after } from "node:test";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import type { Causerie } from "./causerie.ts";
import { newName } from "./person.ts";

/** Real browsers, each with what it complained about. */

const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--no-first-run", "--disable-quic"],
];

/** Starts Chromium for this file's tests. */
export async function startBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
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

/** Opens a window for somebody who is not known yet. */
export async function openWindow(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Omit<Visitor, "name">> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
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
  await window.page.getByLabel("Password").fill(`password of ${name}`);
  await window.page.getByRole("button", { name: "Register" }).click();
  await window.page.waitForURL(`${causerie.url}/`);
  return { ...window, name };
}
