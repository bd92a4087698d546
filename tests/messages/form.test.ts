import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm, postRaw, textOf, unescapeHtml } from "../support/forms.ts";
import { logIn, signUp } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";
import { answerOf, memberIn, messagesIn, startTalk } from "./talk.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);

/** What stands in a page's message field, as a browser shows it: one line end after the tag is not part of it. */
function typedIn(html: string): string | null {
  const field = /<textarea[^>]* name="message"[^>]*>([\s\S]*?)<\/textarea>/.exec(html)?.[1];
  return field === undefined ? null : unescapeHtml(field.replace(/^(?:&#10;|\n)/, ""));
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test("the composer is a form with a field, a button and an id for what will be typed", async () => {
  const { one, two } = await startTalk(causerie);
  const pages = await Promise.all([one.get(`/chat/${two.id}`), one.get(`/chat/${two.id}`)]);
  const [first, second] = await Promise.all(pages.map((page) => page.text()));
  assert.ok(first && second);
  assert.match(first, new RegExp(`<form[^>]* method="post" action="/chat/${two.id}/messages"`));
  assert.match(first, /<label[^>]* for="message">Message<\/label>/);
  assert.match(first, /<button class="button">Send<\/button>/);
  assert.equal(typedIn(first), "");
  assert.match(fieldValue(first, "clientId") ?? "", uuid);
  assert.notEqual(
    fieldValue(first, "clientId"),
    fieldValue(second, "clientId"),
    "each page has an id of its own",
  );
});

const REFUSED: Record<string, [text: string, status: number, reason: RegExp]> = {
  "too long": [`\n  <b>${"x".repeat(4001)}</b> "quoted" & {{braces}}\nlast line`, 413, /4000 characters/],
  blank: ["\n \u200b ", 400, /Write something first/],
  "NUL inside": ["before\0after", 400, /cannot be sent/],
};
for (const [kind, [text, status, reason]] of Object.entries(REFUSED)) {
  test(`a refused text comes back in the field under the same id, with the reason: ${kind}`, async () => {
    const { id, one, two } = await startTalk(causerie);
    const clientId = randomUUID();
    const response = await one.post(`/chat/${two.id}/messages`, { message: text, clientId });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const html = await response.text();
    // A browser shows U+FFFD where NUL stands in a page.
    assert.equal(typedIn(html)?.replaceAll("\ufffd", "\0"), text);
    assert.equal(fieldValue(html, "clientId"), clientId);
    assert.match(textOf(html, "composer-error") ?? "", reason);
    assert.match(html, /data-seq="1"/, "the conversation stands around it");
    assert.doesNotMatch(html, /<b>x/);
    assert.equal((await messagesIn(causerie, id)).length, 1);

    const mended = await one.post(`/chat/${two.id}/messages`, { message: "mended", clientId });
    assert.equal(mended.status, 303);
    assert.equal((await messagesIn(causerie, id))[1]?.clientId, clientId);
  });
}

test("pressing Send twice stores once, one after the other and at the same time", async () => {
  const { id, one, two } = await startTalk(causerie);
  for (const round of [1, 2]) {
    const html = await (await one.get(`/chat/${two.id}`)).text();
    const fields = { message: `press ${round}`, clientId: fieldValue(html, "clientId") ?? "" };
    const press = () => one.post(`/chat/${two.id}/messages`, fields);
    const answers =
      round === 1 ? [await press(), await press()] : await Promise.all([press(), press(), press()]);
    for (const answer of answers) {
      assert.equal(answer.status, 303);
      assert.equal(answer.headers.get("location"), `/chat/${two.id}`);
    }
  }
  assert.deepEqual(
    (await messagesIn(causerie, id)).map(({ message }) => message),
    ["1", "press 1", "press 2"],
  );
  assert.equal((await memberIn(causerie, id, two))?.unread, 3);
});

test("other words under an id that was sent come back under a new one, and can then be sent", async () => {
  const { id, one, two } = await startTalk(causerie);
  const clientId = randomUUID();
  await one.post(`/chat/${two.id}/messages`, { message: "what was sent", clientId });
  const response = await one.post(`/chat/${two.id}/messages`, { message: "what I meant", clientId });
  assert.equal(response.status, 409);
  const html = await response.text();
  assert.equal(typedIn(html), "what I meant");
  const offered = fieldValue(html, "clientId") ?? "";
  assert.match(offered, uuid);
  assert.notEqual(offered, clientId);
  assert.match(textOf(html, "composer-error") ?? "", /already sent/);
  assert.match(html, />what was sent</, "what was sent is shown");
  const again = await one.post(`/chat/${two.id}/messages`, {
    message: typedIn(html) ?? "",
    clientId: offered,
  });
  assert.equal(again.status, 303);
  assert.deepEqual(
    (await messagesIn(causerie, id)).map(({ message }) => message),
    ["1", "what was sent", "what I meant"],
  );
});

test("where the session is gone the page still holds the text and its id, and after a login it is sent once", async () => {
  const { id, one, two } = await startTalk(causerie);
  const fields = { message: 'typed for "an hour" <b>\n\n  & more', clientId: randomUUID() };
  await redis.del(sessionKeyOf(causerie, one.cookie));
  const gone = await one.post(`/chat/${two.id}/messages`, fields);
  assert.equal(gone.status, 401);
  const html = await gone.text();
  assert.equal(typedIn(html), fields.message);
  assert.equal(fieldValue(html, "clientId"), fields.clientId);
  assert.match(html, new RegExp(`<form[^>]* method="post" action="/chat/${two.id}/messages"`));
  assert.doesNotMatch(html, /data-seq=/, "nothing of the conversation is shown");
  assert.equal((await messagesIn(causerie, id)).length, 1);

  const back = await logIn(causerie, one);
  for (let press = 0; press < 2; press += 1) {
    const message = typedIn(html) ?? "";
    const response = await back.post(`/chat/${two.id}/messages`, { message, clientId: fields.clientId });
    assert.equal(response.status, 303);
  }
  assert.deepEqual(
    (await messagesIn(causerie, id)).map(({ message }) => message),
    ["1", fields.message],
  );
});

test("a form from another site is refused and stores nothing", async () => {
  const { id, one, two } = await startTalk(causerie);
  const path = `/chat/${two.id}/messages`;
  const fields = { message: "forged", clientId: randomUUID() };
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { origin: causerie.url, "sec-fetch-site": "cross-site" },
  ]) {
    const response = await postForm(causerie, path, fields, { cookie: one.cookie, headers });
    assert.equal(response.status, 403, JSON.stringify(headers));
  }
  const none = await fetch(causerie.url + path, {
    ...{
      method: "POST",
      redirect: "manual",
      headers: { cookie: one.cookie },
      body: new URLSearchParams(fields),
    },
  });
  assert.equal(none.status, 403);
  assert.equal((await messagesIn(causerie, id)).length, 1);
});

test("a body that is not what it should be is refused, stores nothing and harms nobody", async () => {
  const { id, one, two } = await startTalk(causerie);
  const path = `/chat/${two.id}/messages`;
  const form = "application/x-www-form-urlencoded";
  const json = "application/json";
  const clientId = randomUUID();
  const bodies: [type: string, body: string, status: number][] = [
    [form, `message=a&message=b&clientId=${clientId}`, 400],
    [form, `message=a&clientId=${clientId}&clientId=${randomUUID()}`, 400],
    [form, "message=a&clientId=abc", 400],
    [form, `clientId=${clientId}`, 400],
    [form, `message[a]=b&clientId=${clientId}`, 400],
    [form, "__proto__=a&constructor=b", 400],
    [form, Array.from({ length: 30 }, (_, n) => `f${n}=1`).join("&"), 413],
    [form, `message=${"x".repeat(70_000)}&clientId=${clientId}`, 413],
    [json, `{"message":["a"],"clientId":"${clientId}"}`, 400],
    [json, `{"message":{"a":1},"clientId":"${clientId}"}`, 400],
    [json, `{"message":1,"clientId":"${clientId}"}`, 400],
    [json, `{"message":null,"clientId":"${clientId}"}`, 400],
    [json, `{"message":"a","clientId":["${clientId}"]}`, 400],
    [json, '{"message":"a","clientId":null}', 400],
    [json, "[]", 400],
    [json, "null", 400],
    [json, '"message"', 400],
    [json, "{", 400],
    [json, `message=a&clientId=${clientId}`, 400],
    ["text/plain", `message=a&clientId=${clientId}`, 400],
    ["multipart/form-data; boundary=x", "--x--", 400],
    [`${form}; charset=utf-7`, "message=a", 400],
    ["", "message=a", 400],
  ];
  for (const [type, body, status] of bodies) {
    const response = await postRaw(causerie, path, type, body, { cookie: one.cookie });
    assert.equal(response.status, status, `${type} ${body.slice(0, 60)}`);
    assert.match(response.headers.get("content-type") ?? "", /text\/html/);
    const headers = { accept: "application/json" };
    const forData = await postRaw(causerie, path, type, body, { cookie: one.cookie, headers });
    assert.equal(forData.status, status, `${type} ${body.slice(0, 60)}, for data`);
    assert.match((await answerOf(forData)).error?.code ?? "", /^(?:invalid|too_large)$/);
  }
  assert.equal((await messagesIn(causerie, id)).length, 1);
});

test("a form without an id is stored, because it was meant to be sent", async () => {
  const { id, one, two } = await startTalk(causerie);
  assert.equal((await one.post(`/chat/${two.id}/messages`, { message: "no id" })).status, 303);
  const row = (await messagesIn(causerie, id))[1];
  assert.equal(row?.message, "no id");
  assert.match(row.clientId, uuid);
});

test("the image of a page without scripts marks what the page shows as delivered and read", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie, 3);
  const page = await (await two.get(`/chat/${one.id}`)).text();
  const image = /<noscript><img[^>]* src="([^"]*)"/.exec(page)?.[1];
  assert.equal(image, `/chat/${one.id}/messages/3/seen.gif`);
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 3 });

  await oneDevice.send(two.id, "not on that page");
  const response = await two.get(image, { "sec-fetch-site": "same-origin" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "image/gif");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.match(Buffer.from(await response.arrayBuffer()).toString("latin1"), /^GIF89a/);
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 3, readSeq: 3, unread: 1 });
  const receipt = await oneDevice.until("updateReceipts");
  assert.deepEqual([receipt.userId, receipt.deliveredSeq, receipt.readSeq], [two.id, 3, 3]);
  const list = await (await two.get("/")).text();
  assert.match(list, new RegExp(`data-user-id="${one.id}"[^>]* data-unread="1"`));
  const shown = await (await one.get(`/chat/${two.id}`)).text();
  assert.deepEqual(
    [...shown.matchAll(/data-seq="\d+"[^>]* data-state="(\w+)"/g)].map((match) => match[1]),
    ["read", "read", "read", "sent"],
  );
});

test("only a page of this site marks anything by it, and only for whoever looks", async () => {
  const { id, one, two } = await startTalk(causerie, 2);
  const image = `/chat/${one.id}/messages/2/seen.gif`;
  for (const site of ["cross-site", "same-site", "none"]) {
    assert.equal((await two.get(image, { "sec-fetch-site": site })).status, 404);
  }
  const ours = { "sec-fetch-site": "same-origin" };
  for (const destination of ["document", "iframe", "empty", "object", "script"]) {
    const headers = { ...ours, "sec-fetch-dest": destination };
    assert.equal((await two.get(image, headers)).status, 404, destination);
    assert.equal((await two.get("/seen.gif", headers)).status, 404, destination);
  }
  const ahead = { ...ours, "sec-fetch-dest": "image", "sec-purpose": "prefetch;prerender" };
  assert.equal((await two.get(image, ahead)).status, 404);
  const eve = await signUp(causerie);
  assert.equal((await eve.get(image)).status, 200, "she has no conversation there, and may have a picture");
  assert.equal((await one.get(`/chat/${two.id}/messages/2/seen.gif`)).status, 200);
  const nobody = await fetch(`${causerie.url}${image}`, { redirect: "manual" });
  assert.notEqual(nobody.status, 200);
  for (const wrong of ["-1", "x", "1.5", "99999999999999999999"]) {
    assert.equal((await two.get(`/chat/${one.id}/messages/${wrong}/seen.gif`)).status, 404);
  }
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 2 });
  const shown = await two.get(`/chat/${one.id}/messages/999/seen.gif`, {
    ...ours,
    "sec-fetch-dest": "image",
  });
  assert.equal(shown.status, 200);
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 2, readSeq: 2, unread: 0 });
});

test("asking for a page, as browsers do ahead of time, marks nothing", async () => {
  const { id, one, two, oneDevice } = await startTalk(causerie, 2);
  for (const headers of [{}, { "sec-purpose": "prefetch" }, { accept: "application/json" }]) {
    for (const path of [`/chat/${one.id}`, `/chat/${one.id}/messages?around=2`, "/"]) {
      assert.equal((await two.get(path, headers)).status, 200);
    }
  }
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: 2 });
  assert.deepEqual(oneDevice.news("updateReceipts"), []);
});
