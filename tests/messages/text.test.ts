import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { MESSAGE_MAX, parseMessageText, renderMessageText } from "../../src/messages/message-text.ts";
import { Refusal } from "../../src/platform/errors.ts";
import { startCauserie } from "../support/causerie.ts";
import { answerOf, messagesIn, shownText, startTalk, storedPartOf, textMarkup } from "./talk.ts";

const causerie = await startCauserie();
const talk = await startTalk(causerie);
const { one, two, oneDevice, twoDevice } = talk;

/** The code that a text is refused with; null where it is accepted. */
function refusalFor(text: string): string | null {
  try {
    parseMessageText(text);
    return null;
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error.code;
  }
}

test("1 and 4,000 characters may be sent, 4,001 are too many, whatever a character weighs", () => {
  assert.equal(MESSAGE_MAX, 4000);
  for (const character of ["x", "é", "中", "🌞", "\u0301"]) {
    assert.equal(refusalFor(character), null);
    assert.equal(refusalFor(character.repeat(4000)), null);
    assert.equal(refusalFor(character.repeat(4001)), "too_large");
  }
  assert.equal(refusalFor(`  ${"x".repeat(4000)}\n\n`), null, "counted after trimming");
  assert.equal(refusalFor("x\r\n".repeat(1999)), null, "a line end is one character");
  assert.equal(parseMessageText("a\r\n".repeat(1999)).length, 2 * 1999 - 1);
});

const BLANK = {
  nothing: "",
  spaces: "   ",
  "line ends and tabs": "\r\n\t\n\v\f",
  "a no-break space": "\u00a0",
  "wide and narrow spaces": "\u3000\u2003\u202f\u205f\u1680",
  "zero-width characters": "\u200b\u200c\u200d\u2060\ufeff",
  "a soft hyphen": "\u00ad",
  "direction marks": "\u200e\u200f\u061c\u202e\u2066\u2069",
  "fillers of Hangul": "\u115f\u1160\u3164\uffa0",
  "an empty Braille cell": "\u2800",
  controls: "\u0001\u001b\u007f\u0085",
  tags: "\u{e0001}\u{e0041}",
  NUL: "\0",
};
for (const [kind, text] of Object.entries(BLANK)) {
  test(`a text that shows nothing is refused: ${kind}`, () => {
    assert.equal(refusalFor(text), "invalid");
    assert.equal(refusalFor(` ${text}\n${text} `), "invalid");
    assert.equal(refusalFor(`${text}x`) === null || kind === "NUL", true, "with a letter it shows something");
  });
}

test("a text of variation selectors and joiners alone shows nothing and is refused", () => {
  for (const text of ["\ufe0f", "\u034f", "\u180b", "\u{e0100}", "\u17b4"]) {
    assert.equal(refusalFor(text), "invalid", `U+${text.codePointAt(0)?.toString(16)}`);
  }
});

test("NUL and halves of characters are refused wherever they stand", () => {
  for (const text of ["a\0b", "\0a", "a\0", "a\ud800b", "\udc00a", "\ude00\ud83d", "a\ud83d"]) {
    assert.equal(refusalFor(text), "invalid", JSON.stringify(text));
  }
});

const STRANGE = {
  emoji: "👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 ☀️ 🌞",
  "a right-to-left override": "abc\u202edef\u202c \u2066x\u2069 שלום עולם",
  "a combining storm": `z${"\u0300\u0336\u0489".repeat(200)}`,
  markup: `<script>alert(1)</script><img src=x onerror=alert(1)><!-- --></div></textarea>`,
  "template braces": "{{x}} {{{x}}} {{#each this}}{{/each}} {{> message}} \\{{y}}",
  quotes: `' " \` '; DROP TABLE messages; -- \\' \\" %s ? :a`,
  "words that objects own": "__proto__",
  "more of them": "constructor prototype toString hasOwnProperty",
  entities: "&amp; &lt;b&gt; &#60; &nbsp; &",
  "inner white space": "a  b\tc\n\n\n   d\u00a0\u00a0e\u3000f",
  "controls inside": "a\u0001b\u001b[31mc\u0085d\u2028e\u2029f",
  "zero-width inside": "a\u200bb\u200dc\ufeffd",
  "characters beyond the basic plane": "𝒳 𐍈 \u{10ffff} \u{1f9d1}\u{1f3ff}",
  "not in one Unicode form": "e\u0301 é Å \u212b ﬁ",
  "likeness of JSON": '{"message":"x","clientId":null}',
  "4,000 of four bytes": "🌞".repeat(4000),
  "a path and an address": "C:\\new\\table https://example.org/?a=1&b='2'&c=\"3\"<4>",
};

for (const [kind, text] of Object.entries(STRANGE)) {
  test(`every way in and out keeps it exactly: ${kind}`, async () => {
    const clientIds = [randomUUID(), randomUUID()] as const;
    const bySocket = await oneDevice.send(two.id, text, clientIds[0]);
    assert.equal(bySocket.message?.message, text, JSON.stringify(bySocket.error));
    const byForm = await one.post(`/chat/${two.id}/messages`, { message: text, clientId: clientIds[1] });
    assert.equal(byForm.status, 303);

    const rows = (await messagesIn(causerie, talk.id)).slice(-2);
    assert.deepEqual(
      rows.map(({ message, clientId }) => [message, clientId]),
      [
        [text, clientIds[0]],
        [text, clientIds[1]],
      ],
    );
    const { messages } = await twoDevice.ask("getMessages", { userId: one.id, limit: 2 });
    assert.deepEqual(messages.map(storedPartOf), rows);
    for (const clientId of clientIds) {
      const news = await twoDevice.until("receiveMessage", (message) => message.clientId === clientId);
      assert.equal(news.message, text);
      assert.equal(shownText(textMarkup(news.html)), text);
    }
    const page = await (await two.get(`/chat/${one.id}`)).text();
    const shown = page.split('<div class="message').find((part) => part.includes(`"${clientIds[1]}"`));
    assert.equal(shownText(textMarkup(shown ?? "")), text);
    const again = await oneDevice.send(two.id, text, clientIds[0]);
    assert.deepEqual(again, bySocket);
  });
}

test("refused texts are refused by every way, and store nothing", async () => {
  const before = (await messagesIn(causerie, talk.id)).length;
  for (const [text, code] of [
    ["x".repeat(4001), "too_large"],
    ["🌞".repeat(4001), "too_large"],
    [" \u200b\n", "invalid"],
    ["a\0b", "invalid"],
  ] as const) {
    assert.equal((await oneDevice.send(two.id, text)).error?.code, code);
    const fields = { message: text, clientId: randomUUID() };
    const forData = await one.post(`/chat/${two.id}/messages`, fields, { accept: "application/json" });
    assert.equal((await answerOf(forData)).error?.code, code);
    assert.equal(forData.status, code === "invalid" ? 400 : 413);
  }
  for (const half of ["a\ud800b", "\udc00", "x\ud83d"]) {
    assert.equal((await oneDevice.send(two.id, half)).error?.code, "invalid");
  }
  assert.equal((await messagesIn(causerie, talk.id)).length, before);
});

const linksIn = (html: string) => [...html.matchAll(/<a href="([^"]*)"/g)].map((match) => match[1]);

test("addresses become links that tell the other site nothing", () => {
  for (const [text, href] of [
    ["http://example.org/a?b=c#d", "http://example.org/a?b=c#d"],
    ["https://example.org", "https://example.org"],
    ["HTTPS://EXAMPLE.ORG/X", "HTTPS://EXAMPLE.ORG/X"],
    ["www.example.org", "http://www.example.org"],
    ["mailto:ann@example.org", "mailto:ann@example.org"],
    ["http://192.168.1.2:3000/chat/1", "http://192.168.1.2:3000/chat/1"],
  ]) {
    const html = renderMessageText(`see ${text}, please`);
    assert.deepEqual(linksIn(html), [href]);
    assert.match(html, /<a href="[^"]*" target="_blank" rel="noopener noreferrer[^"]*">/);
    assert.equal(shownText(html), `see ${text}, please`);
  }
  const two = renderMessageText("(https://a.example/x_(y)) and https://b.example/?q=1&r=2.");
  assert.deepEqual(linksIn(two), ["https://a.example/x_(y)", "https://b.example/?q=1&amp;r=2"]);
});

test("nothing else becomes a link", () => {
  for (const text of [
    ...[
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "java\tscript:alert(1)",
      "javascript://example.org/%0aalert(1)",
    ],
    ...[
      "data:text/html,<script>alert(1)</script>",
      "vbscript:x",
      "file:///etc/passwd",
      "blob:https",
      "//evil",
    ],
    ...["ann@", "plain words", "ftp://", "chrome://settings", "about:blank", "tel:123"],
  ]) {
    const html = renderMessageText(text);
    for (const href of linksIn(html)) assert.match(href ?? "", /^https?:\/\//, text);
    assert.doesNotMatch(html, /href="(?!https?:\/\/|mailto:)/i, text);
    assert.equal(shownText(html), text);
  }
  assert.deepEqual(linksIn(renderMessageText("javascript:alert(1)")), []);
});

const FRAGMENTS = [
  ...["<", ">", '"', "'", "&", "&lt;", "&#39;", "<a href=", "</a>", "<script>", "-->", "]]>", "`", "=", "\\"],
  ...[
    "http://",
    "https://",
    "HTTP://",
    "www.",
    "mailto:",
    "javascript:",
    "data:",
    "//",
    "example.org",
    "a@b.example",
  ],
  ..."/:?#[]@!$()*+,;%._~-\n\t \u00a0\u202e\u200b{}|^".split(""),
  ...["{{x}}", "🌞", "é", "\u0301", "127.0.0.1", ":80", "[::1]", "xn--", "%00", "onclick=", " "],
];
const messageText = fc
  .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ unit: "binary", maxLength: 8 })), {
    maxLength: 40,
  })
  .map((parts) => parts.join(""));

test("whatever the text, its markup has no tag but links of ours, and reads as the text", () => {
  fc.assert(
    fc.property(messageText, (text) => {
      const html = renderMessageText(text);
      const rest = html.replace(
        /<a href="([^"<>]*)" target="_blank" rel="noopener noreferrer nofollow">([^<>]*)<\/a>/g,
        (_link, href: string, words: string) => {
          assert.match(href, /^(?:https?:\/\/|mailto:)/i);
          return words;
        },
      );
      assert.doesNotMatch(rest, /[<>"']/);
      assert.doesNotMatch(html, /&(?!(?:amp|lt|gt|quot|#39);)/);
      assert.equal(shownText(html), text);
    }),
    { numRuns: 3000 },
  );
});

test("a text that was accepted is accepted again as it stands", () => {
  fc.assert(
    fc.property(messageText, (text) => {
      if (refusalFor(text) !== null) return;
      const parsed = parseMessageText(text);
      assert.equal(parseMessageText(parsed), parsed);
      assert.equal(parseMessageText(parsed.replaceAll("\n", "\r\n")), parsed);
    }),
    { numRuns: 500 },
  );
});
