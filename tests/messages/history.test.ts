import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { unescapeHtml } from "../support/forms.ts";
import { type Answer, type Person, signUp } from "../support/person.ts";
import { memberIn, messagesIn, openTab, startTalk, storedPartOf } from "./talk.ts";

const causerie = await startCauserie();
const COUNT = 130;
/** 130 messages of one person, "1" to "130", and nothing read of them. */
const { id, one, two, twoDevice } = await startTalk(causerie, COUNT);
const talk = `/chat/${one.id}`;

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const seqsOf = (answer: Answer): number[] => answer.messages.map(({ seq }: { seq: number }) => seq);
const dataAt = async (path: string, person: Person = two) => (await person.json(path)) as Answer;

/** The messages of a page, as their numbers. */
const shownIn = (html: string) => [...html.matchAll(/data-seq="(\d+)"/g)].map((match) => Number(match[1]));
const linkIn = (html: string, which: "older" | "newer") =>
  unescapeHtml(new RegExp(`data-${which} href="([^"]*)"`).exec(html)?.[1] ?? "") || null;
const pageAt = async (path: string, person: Person = two) => {
  const response = await person.get(path);
  assert.equal(response.status, 200, path);
  return response.text();
};

test("a conversation opens with its newest 50, a link to what is older and the number of the last change", async () => {
  const html = await pageAt(talk);
  assert.deepEqual(shownIn(html), range(81, 130));
  assert.equal(linkIn(html, "older"), `${talk}/messages?before=81`);
  assert.equal(linkIn(html, "newer"), null);
  assert.match(html, new RegExp(`data-conversation-id="${id}" data-last-rev="130"`));
  const data = await dataAt(talk);
  assert.deepEqual(seqsOf(data), range(81, 130));
  assert.deepEqual([data.lastRev, data.more, data.newer, data.conversationId], [130, true, false, id]);
});

test("following the links to what is older leads through all of it, once", async () => {
  const pages: number[][] = [];
  for (let path: string | null = talk; path !== null; ) {
    const html: string = await pageAt(path);
    pages.unshift(shownIn(html));
    path = linkIn(html, "older");
  }
  assert.deepEqual(pages, [range(1, 30), range(31, 80), range(81, 130)]);
});

test("following the links to what is newer leads back to the newest", async () => {
  const seen = new Set<number>();
  let path = `${talk}/messages?around=1`;
  for (let pages = 0; pages < 10; pages += 1) {
    const html = await pageAt(path);
    for (const seq of shownIn(html)) seen.add(seq);
    const next = linkIn(html, "newer");
    if (next === null) break;
    path = next;
  }
  assert.equal(path, talk);
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    range(1, COUNT),
  );
});

test("messages before a number come in their order, and tell whether there are older ones", async () => {
  for (const [before, from, to, more] of [
    [81, 31, 80, true],
    [51, 1, 50, false],
    [52, 2, 51, true],
    [9_999, 81, 130, true],
    [2, 1, 1, false],
  ] as const) {
    const byForm = await dataAt(`${talk}/messages?before=${before}`);
    assert.deepEqual(seqsOf(byForm), range(from, to));
    assert.equal(byForm.more, more);
    assert.equal(byForm.newer, to < COUNT);
    const bySocket = await twoDevice.ask("getMessages", { userId: one.id, beforeSeq: before });
    assert.deepEqual(bySocket, { ...byForm, ok: true }, "both ways give the same");
  }
  const none = await dataAt(`${talk}/messages?before=1`);
  assert.deepEqual([none.messages, none.more, none.lastRev], [[], false, 130]);
});

test("a message is shown in its place, with what stands around it", async () => {
  for (const seq of [1, 2, 40, 77, 129, 130]) {
    const data = await dataAt(`${talk}/messages?around=${seq}`);
    const seqs = seqsOf(data);
    assert.ok(seqs.includes(seq), String(seq));
    assert.ok(seqs.length <= 50);
    assert.deepEqual(seqs, range(seqs[0] ?? 0, seqs.at(-1) ?? 0), "without a gap");
    assert.equal(data.more, seqs[0] !== 1);
    assert.equal(data.newer, seqs.at(-1) !== COUNT);
    const bySocket = await twoDevice.ask("getMessages", { userId: one.id, aroundSeq: seq });
    assert.deepEqual(bySocket, { ...data, ok: true });
    assert.match(
      await pageAt(`${talk}/messages?around=${seq}`),
      new RegExp(`id="m${seq}" data-seq="${seq}"`),
    );
  }
  const middle = seqsOf(await dataAt(`${talk}/messages?around=60`));
  assert.ok(middle.includes(40) && middle.includes(80), "on both sides");
});

test("changes since a number come page by page, and the cursor ends where the conversation stands", async () => {
  let cursor = 0;
  const seqs: number[] = [];
  const pages: number[] = [];
  for (let more = true; more; ) {
    const page = await twoDevice.ask("getMessages", { userId: one.id, afterRev: cursor, limit: 60 });
    assert.equal(page.lastRev, 130);
    const revs: number[] = page.messages.map(({ rev }: { rev: number }) => rev);
    assert.deepEqual(revs, range(cursor + 1, cursor + revs.length));
    seqs.push(...seqsOf(page));
    pages.push(revs.length);
    cursor = revs.at(-1) ?? 0;
    more = page.more;
  }
  assert.deepEqual(pages, [60, 60, 10]);
  assert.deepEqual(seqs, range(1, COUNT));
  assert.equal(cursor, 130);
  const exact = await twoDevice.ask("getMessages", { userId: one.id, afterRev: 80, limit: 50 });
  assert.deepEqual([exact.messages.length, exact.more], [50, false], "an exactly full page is the last");
  for (const afterRev of [130, 131, 9_999]) {
    const none = await dataAt(`${talk}/messages?afterRev=${afterRev}`);
    assert.deepEqual([none.messages, none.more, none.lastRev], [[], false, 130]);
  }
  const byForm = await dataAt(`${talk}/messages?afterRev=0`);
  assert.deepEqual([seqsOf(byForm), byForm.more], [range(1, 50), true]);
});

test("a changed message is in what changed since, under its new number", async () => {
  const talk = await startTalk(causerie, 5);
  await causerie.rows("UPDATE conversations SET last_rev = 6 WHERE id = ?", [talk.id]);
  await causerie.rows(
    "UPDATE messages SET rev = 6, message = '2, mended' WHERE conversation_id = ? AND seq = 2",
    [talk.id],
  );
  const page = await talk.twoDevice.ask("getMessages", { conversationId: talk.id, afterRev: 4 });
  assert.deepEqual(
    page.messages.map(({ seq, rev, message }: Answer) => [seq, rev, message]),
    [
      [5, 5, "5"],
      [2, 6, "2, mended"],
    ],
  );
  assert.deepEqual([page.lastRev, page.more], [6, false]);
});

test("the page of changes without scripts has no link that leads nowhere", async () => {
  const html = await pageAt(`${talk}/messages?afterRev=0`);
  assert.deepEqual(shownIn(html).slice(0, 3), [1, 2, 3]);
  for (const which of ["older", "newer"] as const) {
    const link = linkIn(html, which);
    if (link !== null) assert.notDeepEqual(shownIn(await pageAt(link)), [], `${which}: ${link}`);
  }
});

test("every page of it shows both people the same rows, each on their own side", async () => {
  const rows = (await messagesIn(causerie, id)).slice(-50);
  for (const person of [one, two]) {
    const data = await dataAt(`/chat/${person === one ? two.id : one.id}`, person);
    assert.deepEqual(data.messages.map(storedPartOf), rows);
    const html = await pageAt(`/chat/${person === one ? two.id : one.id}`, person);
    assert.deepEqual(shownIn(html), range(81, 130));
    const own = html.match(/<div class="message own"/g) ?? [];
    assert.equal(own.length, person === one ? 50 : 0);
    assert.equal((html.match(/data-state="sent"/g) ?? []).length, person === one ? 50 : 0);
  }
});

test("a page's markup of a message is what every other way gives", async () => {
  const news = await startTalk(causerie);
  const event = await news.twoDevice.until("receiveMessage");
  const { messages } = await news.twoDevice.ask("getMessages", { userId: news.one.id });
  assert.deepEqual(messages, [event]);
  const data = await dataAt(`/chat/${news.one.id}`, news.two);
  assert.deepEqual(data.messages, [event]);
});

test("looking at a page marks nothing as delivered or read", async () => {
  for (const path of [talk, `${talk}/messages?around=100`, `${talk}/messages?afterRev=0`]) {
    await pageAt(path);
    await dataAt(path);
  }
  assert.deepEqual(await memberIn(causerie, id, two), { deliveredSeq: 0, readSeq: 0, unread: COUNT });
});

test("a page holds what was asked for, 1 to 200", async () => {
  for (const limit of [1, 2, 129, 130, 200]) {
    const newest = await twoDevice.ask("getMessages", { userId: one.id, limit });
    assert.deepEqual(seqsOf(newest), range(Math.max(1, 131 - limit), 130));
    assert.equal(newest.more, limit < COUNT);
    const changes = await twoDevice.ask("getMessages", { userId: one.id, afterRev: 0, limit });
    assert.deepEqual(seqsOf(changes), range(1, Math.min(limit, COUNT)));
    assert.equal(changes.more, limit < COUNT);
  }
  for (const limit of [0, -1, 201, 1.5, "5", null, Number.MAX_SAFE_INTEGER, {}]) {
    const answer = await twoDevice.ask("getMessages", { userId: one.id, limit });
    assert.equal(answer.error?.code, "invalid", String(limit));
  }
});

test("a page around a message is never longer than what was asked for", async () => {
  for (const limit of [1, 2, 3, 50]) {
    const page = await twoDevice.ask("getMessages", { userId: one.id, aroundSeq: 60, limit });
    const seqs = seqsOf(page);
    assert.ok(seqs.includes(60));
    assert.ok(seqs.length <= limit, `${seqs.length} messages where ${limit} were asked for`);
  }
});

test("an address that is none of these is refused", async () => {
  for (const query of [
    ...["before=x", "before=0", "before=-1", "before=1.5", "before=99999999999999999999", "around=0"],
    ...["afterRev=-1", "afterRev=NaN", "before=1&before=2", "around[]=1", "afterRev[a]=1", "before=%00"],
  ]) {
    const response = await two.get(`${talk}/messages?${query}`);
    // A field in brackets is another field's name here, and then the newest are shown.
    assert.equal(response.status, query.includes("[") ? 200 : 400, query);
  }
  for (const person of ["0", "-1", "x", "1.5", "9007199254740993", "%00", "constructor"]) {
    for (const path of ["", "/messages", "/messages/1/seen.gif"]) {
      const response = await two.get(`/chat/${person}${path}`);
      assert.equal(response.status, 404, `${person}${path}`);
    }
  }
});

test("whoever is not logged in is sent to the login and back, and gets no data", async () => {
  const stranger = await signUp(causerie);
  await stranger.post("/logout", {});
  const page = await stranger.get(talk);
  assert.equal(page.status, 303);
  assert.equal(page.headers.get("location"), `/login?next=${encodeURIComponent(talk)}`);
  const data = await stranger.get(`${talk}/messages`, { accept: "application/json" });
  assert.equal(data.status, 401);
  assert.doesNotMatch(await data.text(), /messages|"seq"/);
});

test("somebody else's page with the same person shows nothing of it", async () => {
  const eve = await signUp(causerie);
  for (const path of [
    talk,
    `${talk}/messages?around=3`,
    `/chat/${two.id}`,
    `/chat/${two.id}/messages?afterRev=0`,
  ]) {
    assert.deepEqual(shownIn(await pageAt(path, eve)), []);
    const data = await dataAt(path, eve);
    assert.deepEqual([data.messages, data.conversationId, data.lastRev], [[], null, 0]);
  }
  const eveTab = await openTab(causerie, eve);
  assert.deepEqual((await eveTab.ask("getMessages", { userId: one.id, afterRev: 0 })).messages, []);
});
