import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { openChat, registerInBrowser, startBrowser } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { HOSTILE_TEXTS } from "../support/hostile-texts.ts";
import { logIn, request, signUp } from "../support/person.ts";

/** What is typed, or sent as a header, stored or shown at once: in Chromium none of it runs. */
const [causerie, browser] = await Promise.all([
  startCauserie({
    ...{ LIMIT_LOGIN_PER_NAME: "off", LIMIT_LOGIN_PER_ADDRESS: "off", LIMIT_REGISTER_PER_ADDRESS: "off" },
    ...{
      LIMIT_SEARCH_PER_USER: "off",
      LIMIT_PASSWORD_PER_USER: "off",
      LIMIT_PASSWORD_PER_USER_ANYWHERE: "off",
    },
  }),
  startBrowser(),
]);

/** More than `HOSTILE_TEXTS`, for what becomes an attribute, an address or a title. */
const ALL_TEXTS = [
  ...HOSTILE_TEXTS.filter((text) => !text.startsWith("Z")),
  `' autofocus onfocus=window.hacked=1 x='`,
  `" style="background:url(javascript:window.hacked=1)" x="`,
  `</title><script>window.hacked=1</script>`,
  `--><script>window.hacked=1</script><!--`,
  `javascript:window.hacked=1//%0awindow.hacked=1`,
  `<base href="https://evil.example/"><script src="x.js"></script>`,
  `<form action="https://evil.example/"><button>`,
  `<object data="data:text/html,<script>parent.hacked=1</script>">`,
  `<svg><use href="data:image/svg+xml,<svg id=x onload=window.hacked=1>#x">`,
];

/** A quarter of them each, one after the other: a page is slow to load, and a text may be long. */
const LONG_TEXTS = [0, 1, 2, 3].map((part) => ALL_TEXTS.filter((_, index) => index % 4 === part).join(" "));

/** Posts a form from the page it stands on, and ends at what is shown then. */
async function submit(page: Page, path: string, fields: Record<string, string>): Promise<void> {
  const shown = page.waitForEvent("load");
  await page.evaluate(
    ([action, entries]) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action });
      for (const [name, value] of entries) {
        const field = document.createElement("textarea");
        Object.assign(field, { name, value });
        form.append(field);
      }
      document.body.append(form);
      form.submit();
    },
    [path, Object.entries(fields)] as const,
  );
  await shown;
}

async function assertInert(page: Page, what: string): Promise<void> {
  assert.equal(await page.evaluate("window.hacked"), undefined, what);
  assert.equal(await page.locator("script:not([src]), object, iframe, base, svg use").count(), 0, what);
  assert.equal(new URL(page.url()).origin, new URL(causerie.url).origin, what);
}

/** Chromium tells of refused pages in the console as well. */
const seriousOf = (complaints: string[]) => complaints.filter((each) => !/status of 4\d\d/.test(each));

test("whatever is typed into any form is shown as text, and runs nowhere", { timeout: 200_000 }, async () => {
  const anna = await registerInBrowser(browser, causerie);
  const other = await signUp(causerie);
  const { page } = anna;
  for (const text of LONG_TEXTS) {
    const forms: [string, Record<string, string>][] = [
      ["/time-zone", { timeZone: text, next: text }],
      ["/locale", { locale: text, next: text }],
      ["/theme", { theme: "dark", next: text }],
      [`/chat/${other.id}/messages`, { message: text, clientId: text }],
      ["/password", { currentPassword: text, newPassword: text }],
      ["/login", { username: text, password: text, next: text }],
      ["/register", { username: text, password: text, next: text }],
    ];
    for (const [path, fields] of forms) {
      await submit(page, path, fields);
      await assertInert(page, `${path} ${text}`);
    }
  }
  assert.deepEqual(seriousOf(anna.complaints), []);
});

test("whatever stands in an address is shown as text, and runs nowhere", { timeout: 120_000 }, async () => {
  const anna = await registerInBrowser(browser, causerie);
  for (const text of LONG_TEXTS) {
    const encoded = encodeURIComponent(text);
    for (const path of [`/?q=${encoded}`, `/?after=${encoded}`, `/${encoded}`, `/login?next=${encoded}`]) {
      await anna.page.goto(causerie.url + path);
      await assertInert(anna.page, path);
    }
  }
  assert.deepEqual(seriousOf(anna.complaints), []);
});

test("what a device says of itself is shown as text in the list of sessions, and runs nowhere", async () => {
  const anna = await registerInBrowser(browser, causerie);
  for (const text of ALL_TEXTS) {
    const agent = text.replace(/[^\x20-\x7e]/g, "");
    const body = new URLSearchParams({ username: anna.name, password: `password of ${anna.name}` });
    const headers = { "user-agent": agent, "accept-language": agent };
    const response = await request(causerie, "", "/login", { method: "POST", body, headers });
    assert.equal(response.status, 303, agent);
  }
  await anna.page.goto(`${causerie.url}/sessions`);
  await assertInert(anna.page, "/sessions");
  assert.deepEqual(seriousOf(anna.complaints), []);
});

test("what is stored is shown as text to everybody else, live and after a reload", {
  timeout: 120_000,
}, async () => {
  const anna = await registerInBrowser(browser, causerie);
  const boris = await signUp(causerie);
  const sender = await logIn(causerie, boris);
  await anna.page.reload();
  await openChat(anna.page, boris.name);
  const [person] = await causerie.rows<{ id: number }>("SELECT id FROM users WHERE username = ?", [
    anna.name,
  ]);
  for (const message of ALL_TEXTS) {
    assert.equal((await sender.post(`/chat/${person?.id}/messages`, { message })).status, 303);
  }
  const count = ALL_TEXTS.length;
  const all = anna.page.locator("[data-messages] > .message");
  await all.nth(count - 1).waitFor();
  for (const round of ["live", "reloaded"]) {
    assert.deepEqual(
      await anna.page.locator("[data-messages] > .message .text").allTextContents(),
      ALL_TEXTS,
      round,
    );
    await assertInert(anna.page, round);
    await anna.page.reload();
  }
  await anna.page.goto(`${causerie.url}/`);
  await assertInert(anna.page, "the list");
  assert.deepEqual(seriousOf(anna.complaints), []);
});

test("a script that got into a page all the same is stopped by the policy, and so is markup from a script", async () => {
  const anna = await registerInBrowser(browser, causerie);
  const outcome = await anna.page.evaluate(async () => {
    const violations: string[] = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) =>
      violations.push(effectiveDirective),
    );
    const script = document.createElement("script");
    try {
      script.text = "window.hacked = 1";
    } catch {
      violations.push("no text for a script");
    }
    document.head.append(script);
    const image = document.createElement("img");
    image.setAttribute("src", "https://evil.example/x.png");
    document.body.append(image);
    try {
      document.body.innerHTML = "<img src=x onerror='window.hacked=1'>";
    } catch {
      violations.push("no markup from text");
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    return violations;
  });
  assert.equal(await anna.page.evaluate("window.hacked"), undefined);
  for (const expected of [
    "no text for a script",
    "no markup from text",
    "img-src",
    "require-trusted-types-for",
  ]) {
    assert.ok(outcome.includes(expected), `${expected}: ${outcome.join()}`);
  }
});
