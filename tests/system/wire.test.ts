import assert from "node:assert/strict";
import { test } from "node:test";
import { makeDialogues } from "../../src/demo/dialogues.ts";
import { seededDice } from "../../src/demo/random.ts";
import { startBrowser, untilLive } from "../support/browser.ts";
import { startCauserie } from "../support/causerie.ts";
import { eventually, signUp } from "../support/person.ts";
import { openReader, type Reader } from "../support/wire.ts";

const [causerie, browser] = await Promise.all([startCauserie(), startBrowser()]);

const KB = 1024;
const SHOWN = 50;
const OTHERS = 24;
const QUIET_MS = 700;

const said = makeDialogues(seededDice(20_261_121), "en", 60).flat();

/** Somebody with a conversation of more than a page, and with more people than the list shows at once. */
async function startDay() {
  const [anna, boris] = [await signUp(causerie), await signUp(causerie)];
  for (const { text } of said.slice(-OTHERS)) {
    const other = await signUp(causerie);
    await other.post(`/chat/${anna.id}/messages`, { message: text });
  }
  for (const { speaker, text } of said.slice(0, SHOWN + 10)) {
    const [from, to] = speaker === 0 ? [anna, boris] : [boris, anna];
    await from.post(`/chat/${to.id}/messages`, { message: text });
  }
  return { anna, boris, path: `/chat/${boris.id}` };
}

const { anna, path } = await startDay();

/** What comes until nothing more does. */
async function weigh({ page, received }: Reader, go: () => Promise<unknown>): Promise<number> {
  const before = received();
  await go();
  await page.waitForLoadState("networkidle");
  let last = -1;
  await eventually(
    async () => {
      const settled = last === received();
      last = received();
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      return settled && last === received();
    },
    "the line goes quiet",
    20_000,
  );
  return received() - before;
}

/** Fails with what weighs. */
function assertAtMost(bytes: number, most: number, { answers }: Reader): void {
  const parts = [...answers].sort((a, b) => b[1] - a[1]).map(([url, size]) => `${size} ${url}`);
  assert.ok(bytes <= most, `${bytes} bytes, at most ${most}:\n${parts.join("\n")}`);
}

/** The 50 newest messages and the list are there, every picture is drawn. */
async function assertWhole({ page }: Reader): Promise<void> {
  assert.equal(await page.locator("[data-messages] > .message").count(), SHOWN);
  assert.ok((await page.locator("[data-people] > [data-user-id]").count()) >= 20);
  const texts = await page.locator("[data-messages] .text").allTextContents();
  assert.deepEqual(
    texts,
    said.slice(10, SHOWN + 10).map(({ text }) => text),
  );
}

test("a cold conversation of 50 messages beside the list is at most 60 KB in all, the next visit at most 15 KB", async (t) => {
  const reader = await openReader(browser, causerie, anna);
  const { page, origin } = reader;
  const cold = await weigh(reader, async () => {
    await page.goto(origin + path);
    await untilLive(page);
  });
  await assertWhole(reader);
  assertAtMost(cold, 60 * KB, reader);
  t.diagnostic(`cold: ${cold} bytes`);
  const isDrawn = await page
    .locator(".avatar")
    .evaluateAll((images) =>
      images.every((image) => image instanceof HTMLImageElement && image.naturalWidth > 0),
    );
  assert.ok(isDrawn, "pictures are in the weight");

  reader.answers.clear();
  const second = await weigh(reader, async () => {
    await page.goto(origin + path);
    await untilLive(page);
  });
  await assertWhole(reader);
  const answers = [...reader.answers.values()].reduce((sum, size) => sum + size, 0);
  t.diagnostic(`second visit: ${answers} bytes of answers, ${second} with the socket's`);
  assertAtMost(answers, 15 * KB, reader);
  for (const [url, size] of reader.answers)
    assert.ok(size === 0 || url === path, `${url} is kept, and not asked for again`);
  assert.deepEqual(reader.elsewhere, []);
  assert.deepEqual(reader.complaints, []);
});

test("with scripts off it is at most 25 KB, pictures included", async (t) => {
  const reader = await openReader(browser, causerie, anna, { javaScriptEnabled: false });
  const cold = await weigh(reader, () => reader.page.goto(reader.origin + path));
  await assertWhole(reader);
  t.diagnostic(`scripts off: ${cold} bytes`);
  assertAtMost(cold, 25 * KB, reader);
  assert.deepEqual(reader.elsewhere, []);
  assert.ok(
    [...reader.answers.keys()].every((each) => !each.endsWith(".js")),
    "no script is loaded where none runs",
  );
});

test("a phone loads the picture it shows, not the list's", async () => {
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const reader = await openReader(browser, causerie, anna, phone);
  await weigh(reader, () => reader.page.goto(reader.origin + path));
  const pictures = [...reader.answers.keys()].filter((each) => each.startsWith("/avatars/"));
  assert.deepEqual(pictures, [path.replace("/chat/", "/avatars/1/").concat(".svg")]);
});
