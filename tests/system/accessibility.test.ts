import assert from "node:assert/strict";
import { test } from "node:test";
import type { BrowserContextOptions } from "playwright-core";
import {
  bubble,
  openChat,
  openWindow,
  passwordOf,
  registerInBrowser,
  rowOf,
  say,
  startBrowser,
  untilState,
} from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { signUp } from "../support/person.ts";
import { codeOf, keyOn } from "../support/two-step.ts";
import { inBothThemes, isExpected } from "./axe.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

const DESK = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true };

for (const [name, options] of Object.entries<BrowserContextOptions>({ desk: DESK, phone: PHONE })) {
  test(`axe finds nothing on the doors and the errors on a ${name}`, async () => {
    const { page, complaints } = await openWindow(browser, options);
    const faults: string[] = [];
    for (const path of ["/login", "/register"]) {
      await page.goto(causerie.url + path);
      faults.push(...(await inBothThemes(page)));
    }
    await page.getByLabel("Username").fill("x");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Register" }).click();
    await page.getByText("Use 2 to 32 letters").waitFor();
    faults.push(...(await inBothThemes(page)));
    await page.goto(`${causerie.url}/nothing-here`);
    faults.push(...(await inBothThemes(page)));
    assert.deepEqual(faults, []);
    assert.deepEqual(
      complaints.filter((each) => !isExpected(each)),
      [],
    );
  });

  test(`axe finds nothing from an empty list to a failed message on a ${name}`, async () => {
    const anna = await registerInBrowser(browser, causerie, options);
    const { page } = anna;
    const faults = await inBothThemes(page);
    await page.goto(`${causerie.url}/?q=nobodyhasthis`);
    faults.push(...(await inBothThemes(page)));

    const [boris, carla] = await Promise.all([signUp(causerie), signUp(causerie)]);
    const id = await page.locator("body").getAttribute("data-user-id");
    for (const text of ["hello", "https://example.org/", "\u0645\u0631\u062d\u0628\u0627"])
      await boris.post(`/chat/${id}/messages`, { message: text });
    await page.goto(`${causerie.url}/`);
    await rowOf(page, boris.name).getByText("3 unread").waitFor({ state: "attached" });
    faults.push(...(await inBothThemes(page)));

    await page.goto(`${causerie.url}/chat/${carla.id}`);
    faults.push(...(await inBothThemes(page)));
    await page.goto(`${causerie.url}/`);
    await openChat(page, boris.name);
    await say(page, "an answer");
    await untilState(bubble(page, "an answer"), "sent");
    await say(page, "\u2800");
    await page.getByRole("button", { name: "Retry" }).waitFor();
    await say(page, "waiting");
    faults.push(...(await inBothThemes(page)));
    for (const path of [
      "/settings",
      "/sessions",
      "/two-step",
      "/two-step/deletion",
      "/sessions/others/revocation",
      "/password",
      "/account/deletion",
    ]) {
      await page.goto(causerie.url + path);
      faults.push(...(await inBothThemes(page)));
    }
    await page.goto(`${causerie.url}/two-step`);
    await page.getByLabel("Password").fill(passwordOf(anna.name));
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByRole("img", { name: "QR code" }).waitFor();
    faults.push(...(await inBothThemes(page)));
    await page.getByLabel("Code", { exact: true }).fill(codeOf(keyOn(await page.content()), -1));
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    faults.push(...(await inBothThemes(page)));
    await page.getByRole("link", { name: "I have kept them" }).click();
    await page.getByText("Two-step login is on.").waitFor();
    faults.push(...(await inBothThemes(page)));
    await page.goto(`${causerie.url}/account/deletion`);
    await page.getByLabel("Code", { exact: true }).fill("123456");
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Delete my account" }).click();
    await page.getByText("This is not your password.").waitFor();
    faults.push(...(await inBothThemes(page)));
    assert.deepEqual(faults, []);
    assert.deepEqual(
      anna.complaints.filter((each) => !isExpected(each)),
      [],
    );
  });
}
