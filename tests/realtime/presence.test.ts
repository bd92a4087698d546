import assert from "node:assert/strict";
import { test } from "node:test";
import { openTab } from "../messages/talk.ts";
import { startCauserie } from "../support/causerie.ts";
import { type Answer, type Device, eventually, logIn, type Person, signUp } from "../support/person.ts";
import { openTestRedis } from "../support/redis.ts";

const causerie = await startCauserie();
const redis = await openTestRedis(causerie);
const prefix = `${causerie.redisPrefix}presence:`;

/** Somebody who watches others. */
async function watch(...people: Person[]): Promise<Device> {
  const device = await openTab(causerie, await signUp(causerie));
  const answer = await device.ask("watchUsers", { userIds: people.map(({ id }) => id) });
  assert.equal(answer.ok, true);
  return device;
}

/** What a watcher was told of somebody, in order. */
function toldOf(watcher: Device, { id }: Person): boolean[] {
  const users: Answer[] = watcher.news("updateOnlineUsers").flatMap((news) => news.users);
  return users.filter(({ userId }) => userId === id).map(({ online }) => online);
}

const untilTold = (watcher: Device, { id }: Person, online: boolean, ms = 5000): Promise<Answer> =>
  watcher
    .until(
      "updateOnlineUsers",
      (news) => news.users.some((user: Answer) => user.userId === id && user.online === online),
      ms,
    )
    .then((news) => news.users.find((user: Answer) => user.userId === id));

/** Resolves once everything that happened before has been told: presence is told in the order of Redis. */
async function presenceSettled(watcher: Device, watched: Person[]): Promise<void> {
  const marker = await signUp(causerie);
  await forget(marker);
  await watcher.ask("watchUsers", { userIds: [...watched, marker].map(({ id }) => id) });
  await openTab(causerie, marker);
  await untilTold(watcher, marker, true);
}

/** Takes away what holds somebody online, as if it had run out and been told long ago. */
async function forget({ id }: Person): Promise<void> {
  await redis.del(`${prefix}leases:${id}`);
  await redis.zRem(`${prefix}due`, String(id));
}

async function isOnline(person: Person): Promise<boolean> {
  const device = await openTab(causerie, await signUp(causerie));
  const { users } = await device.ask("watchUsers", { userIds: [person.id] });
  return users[0].online;
}

async function lastSeenOf({ id }: Person): Promise<Date | null> {
  const [row] = await causerie.rows<{ seen: Date | null }>(
    "SELECT last_seen_at AS seen FROM users WHERE id = ?",
    [id],
  );
  return row?.seen ?? null;
}

/** How long a person's leases still last by Redis's clock, in ms, by name. */
async function leasesOf({ id }: Person): Promise<Map<string, number>> {
  const [entries, [seconds = "0", micros = "0"]] = await Promise.all([
    redis.zRangeWithScores(`${prefix}leases:${id}`, 0, -1),
    redis.sendCommand<string[]>(["TIME"]),
  ]);
  const now = Number(seconds) * 1000 + Number(micros) / 1000;
  return new Map(entries.map(({ value, score }) => [value.replace(/:.*/, ""), score - now]));
}

test("watching answers who is there now, and when the others were last seen", async () => {
  const [ann, bob, carl] = await Promise.all([signUp(causerie), signUp(causerie), signUp(causerie)]);
  await openTab(causerie, ann);
  const seenAt = new Date(Date.now() - 3_600_000);
  await causerie.rows(`UPDATE users SET last_seen_at = '${seenAt.toISOString().slice(0, -1)}' WHERE id = ?`, [
    carl.id,
  ]);
  const watcher = await openTab(causerie, await signUp(causerie));
  await eventually(async () => (await leasesOf(ann)).has("node"), "Ann is there");
  // Signing up shows a page, and a page that was asked for counts as being there for a moment.
  await Promise.all([forget(bob), forget(carl)]);

  const { ok, users } = await watcher.ask("watchUsers", { userIds: [carl.id, ann.id, bob.id, 999_999_999] });

  assert.equal(ok, true);
  const byId = new Map<number, Answer>(users.map((user: Answer) => [user.userId, user]));
  assert.deepEqual(
    [...byId.keys()].sort(),
    [ann.id, bob.id, carl.id].sort(),
    "who does not exist is left out",
  );
  const { at, ...annNow } = byId.get(ann.id) ?? { ok: false };
  assert.deepEqual(annNow, { userId: ann.id, online: true, lastSeenAt: null });
  assert.ok(Math.abs(at - Date.now()) < 10_000);
  assert.deepEqual([byId.get(bob.id)?.online, byId.get(bob.id)?.lastSeenAt], [false, null], "never seen");
  assert.deepEqual([byId.get(carl.id)?.online, byId.get(carl.id)?.lastSeenAt], [false, seenAt.toISOString()]);
});

test("whoever is watched is told coming and going, to watchers only", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  await Promise.all([forget(ann), forget(bob)]);
  const [watcher, other] = [await watch(ann), await watch(bob)];
  const device = await openTab(causerie, ann);
  const came = await untilTold(watcher, ann, true);
  assert.deepEqual([came.lastSeenAt, typeof came.at], [null, "number"]);
  device.socket.disconnect();
  const went = await untilTold(watcher, ann, false);
  assert.ok(went.at >= came.at);
  assert.equal(went.lastSeenAt, new Date(went.at).toISOString());
  await presenceSettled(other, [bob]);
  assert.deepEqual(toldOf(other, ann), [], "whoever watches somebody else is told nothing");
  assert.deepEqual(toldOf(watcher, ann), [true, false]);

  await watcher.ask("watchUsers", { userIds: [bob.id] });
  await openTab(causerie, ann);
  await presenceSettled(watcher, [bob]);
  assert.deepEqual(toldOf(watcher, ann), [true, false], "and whoever stopped watching is told no more");
});

test("offline shows within 5 s of a closed socket, and is kept as last seen", async () => {
  const ann = await signUp(causerie);
  const device = await openTab(causerie, ann);
  const watcher = await watch(ann);
  const before = Date.now();
  // The transport ends without a word, as that of a closed tab does.
  device.socket.io.engine.close();
  const went = await untilTold(watcher, ann, false, 5000);
  assert.ok(Date.now() - before < 5000);
  await eventually(
    async () => (await lastSeenOf(ann))?.toISOString() === went.lastSeenAt,
    "the time is in the table",
  );
  assert.ok(Math.abs(Date.parse(went.lastSeenAt) - before) < 5000);
  assert.equal(await isOnline(ann), false);
});

test("closing one of two tabs, or one of two devices, leaves a person online", async () => {
  const ann = await signUp(causerie);
  const phone = await openTab(causerie, await logIn(causerie, ann));
  const [first, second] = [await openTab(causerie, ann), await openTab(causerie, ann)];
  const watcher = await watch(ann);
  first.socket.disconnect();
  phone.socket.disconnect();
  await presenceSettled(watcher, [ann]);
  assert.deepEqual(toldOf(watcher, ann), []);
  assert.equal(await isOnline(ann), true);
  second.socket.disconnect();
  await untilTold(watcher, ann, false);
  assert.equal(await isOnline(ann), false);
});

test("moving between pages never shows offline", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  let device = await openTab(causerie, ann);
  await eventually(async () => (await leasesOf(ann)).has("node"), "Ann is there");
  const watcher = await watch(ann);
  for (const path of ["/", `/chat/${bob.id}`, "/?q=a", `/chat/${bob.id}/messages?around=1`, "/"]) {
    const page = await ann.get(path);
    device.socket.disconnect();
    await page.text();
    await eventually(async () => !(await leasesOf(ann)).has("node"), "the old page's socket is gone");
    assert.equal(await isOnline(ann), true, "between two pages");
    device = await openTab(causerie, ann);
    await eventually(async () => !(await leasesOf(ann)).has("page"), "the new page's socket has come");
  }
  await presenceSettled(watcher, [ann]);
  assert.deepEqual(toldOf(watcher, ann), []);
  device.socket.disconnect();
  await untilTold(watcher, ann, false);
});

/** Asks for a page as a browser does; its id, for its socket. */
async function openPage(person: Person, path: string): Promise<{ pageId: string }> {
  const page = await (await person.get(path)).text();
  return { pageId: /data-page-id="([^"]+)"/.exec(page)?.[1] ?? "" };
}

test("a page's socket that comes late does not end the hold of the page after it", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  await forget(ann);
  const watcher = await watch(ann);
  const first = await openPage(ann, "/");
  const second = await openPage(ann, `/chat/${bob.id}`);
  const device = await openTab(causerie, ann, first);
  device.socket.disconnect();
  await eventually(async () => !(await leasesOf(ann)).has("node"), "the first page's socket is gone");
  assert.equal(await isOnline(ann), true, "between two pages");
  const next = await openTab(causerie, ann, second);
  await presenceSettled(watcher, [ann]);
  assert.deepEqual(toldOf(watcher, ann), [true]);
  next.socket.disconnect();
  await untilTold(watcher, ann, false);
});

test("a page that was asked for holds its person for 15 s at most", async () => {
  const ann = await signUp(causerie);
  await forget(ann);
  const watcher = await watch(ann);
  await ann.get("/");
  await untilTold(watcher, ann, true);
  const leases = await leasesOf(ann);
  assert.deepEqual([...leases.keys()], ["page"]);
  const left = leases.get("page") ?? 0;
  assert.ok(left > 10_000 && left <= 15_000, String(left));
});

test("without scripts a person is online for 30 s after a page was shown", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  for (const image of ["/seen.gif", `/chat/${bob.id}/messages/0/seen.gif`]) {
    await forget(ann);
    const watcher = await watch(ann);
    assert.equal((await ann.get(image, { "sec-fetch-site": "same-origin" })).status, 200);
    await untilTold(watcher, ann, true);
    const leases = await leasesOf(ann);
    assert.deepEqual([...leases.keys()], ["noscript"]);
    const left = leases.get("noscript") ?? 0;
    assert.ok(left > 25_000 && left <= 30_000, String(left));
    const due = await redis.zScore(`${prefix}due`, String(ann.id));
    assert.ok(due !== null, "and the sweeper knows when to look");
  }
  const page = await (await bob.get(`/?q=${ann.name}`)).text();
  assert.match(page, new RegExp(`data-user-id="${ann.id}" data-online="true"`), "Bob's list shows it");
});

test("leases that ran out are swept: told once, and kept as last seen", async () => {
  const ann = await signUp(causerie);
  await ann.get("/seen.gif");
  const watcher = await watch(ann);
  const key = `${prefix}leases:${ann.id}`;
  // As if 30 s had passed.
  for (const lease of await redis.zRange(key, 0, -1)) await redis.zAdd(key, { value: lease, score: 1 });
  await redis.zAdd(`${prefix}due`, { value: String(ann.id), score: 1 });
  const went = await untilTold(watcher, ann, false, 5000);
  await eventually(
    async () => (await lastSeenOf(ann))?.toISOString() === went.lastSeenAt,
    "it is in the table",
  );
  await presenceSettled(watcher, [ann]);
  assert.deepEqual(toldOf(watcher, ann), [false]);
  assert.equal(await redis.exists(key), 0, "no ghost is left");
});

test("logging out shows at once, and is kept as last seen", async () => {
  const ann = await signUp(causerie);
  await openTab(causerie, ann);
  await ann.get("/");
  const watcher = await watch(ann);
  const before = Date.now();
  await ann.post("/logout", {});
  const went = await untilTold(watcher, ann, false, 1000);
  assert.ok(Math.abs(Date.parse(went.lastSeenAt) - before) < 2000);
  assert.equal(await isOnline(ann), false);
  await eventually(
    async () => (await lastSeenOf(ann))?.toISOString() === went.lastSeenAt,
    "it is in the table",
  );
  assert.deepEqual(toldOf(watcher, ann), [false]);
});

test("logging out without scripts shows at once, and is kept as last seen", async () => {
  const ann = await signUp(causerie);
  await ann.get("/seen.gif", { "sec-fetch-site": "same-origin" });
  const watcher = await watch(ann);
  await ann.post("/logout", {});
  const went = await untilTold(watcher, ann, false, 1000);
  assert.equal(await isOnline(ann), false);
  await eventually(
    async () => (await lastSeenOf(ann))?.toISOString() === went.lastSeenAt,
    "it is in the table",
  );
});

test("logging out on one device leaves a person online who has another open", async () => {
  const ann = await signUp(causerie);
  const phone = await openTab(causerie, await logIn(causerie, ann));
  const tab = await openTab(causerie, ann);
  const watcher = await watch(ann);
  await ann.post("/logout", {});
  await eventually(() => tab.socket.disconnected, "the tab is cut");
  await presenceSettled(watcher, [ann]);
  assert.deepEqual(toldOf(watcher, ann), []);
  assert.equal(phone.socket.connected, true);
});

test("lists and conversations show who is there", async () => {
  const [ann, bob] = await Promise.all([signUp(causerie), signUp(causerie)]);
  const device = await openTab(causerie, ann);
  const watcher = await watch(ann);
  const row = (online: boolean) => new RegExp(`data-user-id="${ann.id}" data-online="${online}"`);
  const list = async () => (await bob.get(`/?q=${ann.name}`)).text();
  assert.match(await list(), row(true));
  assert.match(await (await bob.get(`/chat/${ann.id}`)).text(), /data-presence data-online="true"/);
  device.socket.disconnect();
  await untilTold(watcher, ann, false);
  assert.match(await list(), row(false));
  await eventually(async () => (await lastSeenOf(ann)) !== null, "it is in the table");
  assert.match(await (await bob.get(`/chat/${ann.id}`)).text(), /data-online="false"[\s\S]*Last seen/);
});

test("200 people may be watched at once, and no more", async () => {
  const watcher = await openTab(causerie, await signUp(causerie));
  const ids = Array.from({ length: 201 }, (_, index) => index + 1);
  assert.equal((await watcher.ask("watchUsers", { userIds: ids.slice(0, 200) })).ok, true);
  assert.equal((await watcher.ask("watchUsers", { userIds: ids })).error?.code, "invalid");
});
