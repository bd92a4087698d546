import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { openWindow, passwordOf, registerInBrowser, startBrowser, type Visitor } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { signUp } from "../support/person.ts";
import { codeOf, keyOn, turnTwoStepOn } from "../support/two-step.ts";
import { inBothThemes, isExpected } from "./axe.ts";

/** Pages of accounts: the administrator's, those behind links, the second step and the sessions. At a desk. */
const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);
const invite = await causerie.another({ REGISTRATION: "invite" });

function assertNone(faults: string[], { complaints }: Pick<Visitor, "complaints">): void {
  assert.deepEqual(faults, []);
  assert.deepEqual(
    complaints.filter((each) => !isExpected(each)),
    [],
  );
}

/** The link that was just made. */
async function madeLink(page: Page): Promise<string> {
  const link = await page.locator("#link").inputValue();
  return invite.url + new URL(link).pathname;
}

/** Opens what the administrator can do about somebody. */
async function openActs(page: Page, name: string): Promise<void> {
  await page.goto(`${invite.url}/admin?q=${name}`);
  await page.locator("summary", { hasText: name }).click();
}

/** What a link shows to whoever has it, and once more when what is typed there is refused. */
async function faultsBehind(link: string, password: string, button: string, name = ""): Promise<string[]> {
  const visitor = await openWindow(browser);
  const { page } = visitor;
  await page.goto(link);
  const faults = await inBothThemes(page);
  if (name !== "") await page.getByLabel("Username").fill(name);
  await page.getByLabel(password).fill("short");
  await page.getByRole("button", { name: button }).click();
  await page.getByText("Use at least 8 characters.").first().waitFor();
  await page.locator("[aria-invalid=true]").waitFor();
  faults.push(...(await inBothThemes(page)));
  assertNone([], visitor);
  return faults;
}

test("axe finds nothing on the administrator's page, nor behind the links that are made there", async () => {
  const administrator = await registerInBrowser(browser, causerie);
  const { page } = administrator;
  const [plain, disabled, twoStepped] = [
    await signUp(causerie),
    await signUp(causerie),
    await signUp(causerie),
  ];
  await turnTwoStepOn(twoStepped);
  await page.goto(`${invite.url}/admin`);
  for (const summary of await page.locator("summary").all()) await summary.click();
  await page.getByRole("button", { name: "Turn off two-step login" }).waitFor();
  const faults = await inBothThemes(page);

  await page.getByLabel("Who is it for?").fill("for Noor");
  await page.getByRole("button", { name: "Make a link", exact: true }).click();
  const invitation = await madeLink(page);
  faults.push(...(await inBothThemes(page)));
  faults.push(...(await faultsBehind(invitation, "Password", "Register", "noor")));

  await openActs(page, disabled.name);
  await page.getByRole("button", { name: "Disable" }).click();
  await openActs(page, disabled.name);
  await page.getByRole("button", { name: "Enable" }).waitFor();
  faults.push(...(await inBothThemes(page)));

  await openActs(page, plain.name);
  await page.getByRole("button", { name: "Make a link for a new password" }).click();
  const reset = await madeLink(page);
  await openActs(page, plain.name);
  await page.getByRole("button", { name: "Withdraw the link for a new password" }).waitFor();
  faults.push(...(await inBothThemes(page)));
  faults.push(...(await faultsBehind(reset, "New password", "Save the password")));

  await page.getByRole("link", { name: "Hand the administration over" }).click();
  faults.push(...(await inBothThemes(page)));
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Hand the administration over" }).click();
  await page.getByText("This is not your password.").waitFor();
  faults.push(...(await inBothThemes(page)));
  await page.goto(`${invite.url}/admin?q=nobodyhasthis`);
  faults.push(...(await inBothThemes(page)));
  assertNone(faults, administrator);
});

test("axe finds nothing on the second step, its set-up and the sessions", async () => {
  const person = await signUp(causerie);
  const { recoveryCodes } = await turnTwoStepOn(person);
  const visitor = await openWindow(browser);
  const { page } = visitor;
  await page.goto(`${causerie.url}/login`);
  await page.getByLabel("Username").fill(person.name);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Login" }).click();
  await page.waitForURL(`${causerie.url}/login/code`);
  const faults = await inBothThemes(page);
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Login" }).click();
  await page.getByText("This code is wrong").waitFor();
  faults.push(...(await inBothThemes(page)));
  await page.getByLabel("Code").fill(recoveryCodes[0] ?? "");
  await page.getByRole("button", { name: "Login" }).click();
  await page.waitForURL(`${causerie.url}/`);
  for (const path of ["/two-step", "/two-step/recovery-codes", "/two-step/deletion", "/sessions"]) {
    await page.goto(causerie.url + path);
    faults.push(...(await inBothThemes(page)));
  }
  const ways = page.locator('a[href$="/revocation"]');
  const paths = await ways.evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  assert.equal(paths.length, 2, "the other session, and all others");
  for (const path of paths) {
    await page.goto(causerie.url + path);
    faults.push(...(await inBothThemes(page)));
    await page.getByLabel("Password").fill("not the password");
    await page.locator("main button").click();
    await page.getByText("This is not your password.").waitFor();
    faults.push(...(await inBothThemes(page)));
  }
  assertNone(faults, visitor);
});

test("axe finds nothing where a set-up is under way, and where it has ended", async () => {
  const person = await registerInBrowser(browser, causerie);
  const { page } = person;
  await page.goto(`${causerie.url}/two-step`);
  await page.getByLabel("Password").fill(passwordOf(person.name));
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByRole("img", { name: "QR code" }).waitFor();
  const faults = await inBothThemes(page);
  const code = codeOf(keyOn(await page.content()));
  await causerie.rows("UPDATE two_step SET begun_at = begun_at - INTERVAL 1 HOUR");
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByText("No set-up is under way any more.").waitFor();
  faults.push(...(await inBothThemes(page)));
  assertNone(faults, person);
});
