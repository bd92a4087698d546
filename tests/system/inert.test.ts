import assert from "node:assert/strict";
import { test } from "node:test";
import { openChat, registerInBrowser, startBrowser, twoPeopleTalking } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

/** Texts that something careless would run, follow, expand or choke on. */
const CORPUS = [
  `<script>window.hacked = 1</script>`,
  `<img src=x onerror="window.hacked=1">`,
  `<svg/onload=window.hacked=1>`,
  `"><iframe srcdoc="<script>parent.hacked=1</script>">`,
  `</textarea></div></template><script>window.hacked=1</script>`,
  `<a href="javascript:window.hacked=1">x</a> javascript:window.hacked=1`,
  `https://example.org/"onmouseover="window.hacked=1`,
  `https://example.org/<b>bold</b>`,
  `{{constructor.constructor('window.hacked=1')()}} {{{html}}} {{#each this}}{{/each}}`,
  `'; DROP TABLE messages; -- " OR 1=1`,
  `__proto__ constructor toString`,
  `<!-- --!> ]]> <![CDATA[ &lt;script&gt; &#60;b&#62; &amp;`,
  `<style>*{display:none}</style><meta http-equiv=refresh content=0>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=1>`,
  `\u202eright to left override\u202c`,
  `Z${"\u0335\u0321\u0344".repeat(60)} storm`,
  `family 👩‍👩‍👧‍👦 flag 🏴󠁧󠁢󠁳󠁣󠁴󠁿 4 bytes 𝒳`,
  `\${window.hacked=1} \\u003cscript\\u003e %3Cscript%3E`,
];

test("nothing that is typed is ever anything but text: live, after a reload, in the list and in a draft", async () => {
  const [anna, boris] = await twoPeopleTalking(browser, causerie);
  const field = anna.page.getByLabel("Message", { exact: true });
  const texts = () =>
    boris.page
      .locator("[data-messages] > .message .text")
      .evaluateAll((nodes) => nodes.map((node) => node.textContent));
  for (const text of CORPUS) {
    await field.fill(text);
    await field.press("Enter");
  }
  await boris.page.waitForFunction(
    (count) => document.querySelectorAll(".messages > .message").length === count,
    CORPUS.length,
  );
  assert.deepEqual(await texts(), CORPUS);
  await boris.page.reload();
  assert.deepEqual(await texts(), CORPUS);
  const inside = await boris.page
    .locator("[data-messages] .text *")
    .evaluateAll((nodes) =>
      nodes.map((node) => [node.localName, node.getAttribute("href")?.split(":")[0]].join()),
    );
  assert.deepEqual([...new Set(inside)], ["a,https"]);

  await field.fill(CORPUS.join("\n"));
  await anna.page.reload();
  assert.equal(await field.inputValue(), CORPUS.join("\n"));
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
