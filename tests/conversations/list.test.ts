import assert from "node:assert/strict";
import { test } from "node:test";
import { usernameKey } from "../../src/users/usernames.ts";
import { startCauserie } from "../support/causerie.ts";
import { unescapeHtml } from "../support/forms.ts";
import { connect, newName, type Person, request, signUp } from "../support/person.ts";

const causerie = await startCauserie();

interface Row {
  userId: number;
  username: string;
  unread: number;
  lastMessage: { seq: number; senderId: number; message: string } | null;
  html: string;
}

interface Page {
  rows: Row[];
  next: string | null;
}

async function pageOf(person: Person, query: Record<string, string>): Promise<Page> {
  const path = `/?${new URLSearchParams(query)}`;
  const response = await person.get(path, { accept: "application/json" });
  assert.equal(response.status, 200, path);
  assert.equal(response.headers.get("cache-control"), "no-store");
  return JSON.parse(await response.text());
}

/** Every page of the list, by its cursors; fails when it does not end. */
async function walk(person: Person, q = ""): Promise<Page[]> {
  const pages: Page[] = [];
  for (let after: string | null = ""; after !== null; after = pages.at(-1)?.next ?? null) {
    pages.push(await pageOf(person, { ...(q ? { q } : {}), ...(after ? { after } : {}) }));
    assert.ok(pages.length < 20, "the list ends");
  }
  return pages;
}

const namesOf = (pages: Page[]) => pages.flatMap(({ rows }) => rows.map(({ username }) => username));
const idsIn = (html: string) =>
  [...html.matchAll(/<li class="person" data-user-id="(\d+)"/g)].map((match) => Number(match[1]));
const say = (from: Person, to: Person, message: string) => from.post(`/chat/${to.id}/messages`, { message });
const byKey = (a: string, b: string) => {
  const [left, right] = [Buffer.from(usernameKey(a)), Buffer.from(usernameKey(b))];
  return Buffer.compare(left, right);
};

const ada = await signUp(causerie, "Ada");

/** Everybody who registered before anybody talked; filled once the empty list was looked at. */
const crowd: Person[] = [];
const everybody: Person[] = [ada];
const others = (person: Person) => everybody.filter(({ id }) => id !== person.id).map(({ name }) => name);

const SPELLINGS = ["lena", "Léon", "Melina", "selena", "élena", "ole", "ＬＥＮ", "lenalen"];

test("with nobody else here the list says what to do, with a crowd it no longer does", async () => {
  const html = await (await ada.get("/")).text();
  assert.match(html, /<p class="empty" data-nobody>Nobody else is here yet\./);
  assert.deepEqual(idsIn(html), []);
  for (let index = 0; index < 44; index += 1) {
    crowd.push(await signUp(causerie, `${SPELLINGS[index % SPELLINGS.length]}${index}z`));
  }
  for (const name of ["bob_x", "bobAx", "x-.x"]) everybody.push(await signUp(causerie, name));
  everybody.push(...crowd);
  assert.match(await (await ada.get("/")).text(), /<p class="empty" data-nobody hidden>/);
});

test("the page has the words of the contract", async () => {
  const html = await (await ada.get("/")).text();
  assert.match(html, /<h1>Users<\/h1>/);
  assert.match(html, /<label [^>]*for="search">Search users<\/label>/);
  assert.match(html, /<input [^>]*type="search" name="q"/);
  assert.match(html, />Welcome, Ada<\/span>/);
  assert.match(html, /<p>Welcome, Ada! Please choose someone to talk to\.<\/p>/);
  assert.match(html, />Toggle Dark Mode<\/button>/);
  assert.match(html, />Logout<\/button>/);
});

test("a stranger gets no list, by page or as data", async () => {
  for (const path of ["/", "/?q=a", "/?after=x"]) {
    const page = await request(causerie, "", path);
    assert.equal(page.status, 303);
    assert.equal(page.headers.get("location"), `/login?next=${encodeURIComponent(path)}`);
    const data = await request(causerie, "", path, { headers: { accept: "application/json" } });
    assert.equal(data.status, 401);
    assert.deepEqual(Object.keys(JSON.parse(await data.text())), ["error"]);
  }
});

test("whoever one never talked with stands by name, twenty a page, each exactly once, never oneself", async () => {
  const person = everybody.at(-1) ?? ada;
  const pages = await walk(person);
  assert.deepEqual(
    pages.map(({ rows }) => rows.length),
    [20, 20, 7],
  );
  assert.deepEqual(namesOf(pages), others(person).sort(byKey));
});

test("pages without scripts walk the same way by the link at their end", async () => {
  const seen: number[] = [];
  let path: string | null = "/";
  while (path !== null) {
    const html: string = await (await ada.get(path)).text();
    assert.ok(idsIn(html).length <= 20);
    seen.push(...idsIn(html));
    assert.ok(seen.length <= everybody.length, "nobody comes twice");
    path = unescapeHtml(/<a [^>]*data-more href="([^"]+)"/.exec(html)?.[1] ?? "") || null;
  }
  assert.equal(new Set(seen).size, everybody.length - 1);
  assert.ok(!seen.includes(ada.id));
});

test("conversations come first, the latest message on top, then the others by name", async () => {
  const person = await signUp(causerie, "Talker");
  const [first, second, third] = [crowd[30], crowd[3], crowd[17]];
  assert.ok(first && second && third);
  for (const other of [first, second, third]) await say(person, other, "hello");
  const order = async () => (await pageOf(person, {})).rows.slice(0, 3).map(({ userId }) => userId);
  assert.deepEqual(await order(), [third.id, second.id, first.id]);
  await say(first, person, "hello back");
  assert.deepEqual(await order(), [first.id, third.id, second.id]);
  const names = namesOf(await walk(person));
  const rest = others(person).filter((name) => ![first.name, second.name, third.name].includes(name));
  assert.deepEqual(names, [first.name, third.name, second.name, ...rest.sort(byKey)]);
  const [outsider] = (await pageOf(second, { q: first.name })).rows;
  assert.equal(outsider?.lastMessage, null, "what two people say is in nobody else's list");
});

test("more conversations than fit a page are walked through, also those of one millisecond", async () => {
  const person = await signUp(causerie, "Manytalks");
  const partners = crowd.slice(0, 27);
  await Promise.all(partners.map((other) => say(other, person, "hello")));
  await causerie.rows(
    `UPDATE memberships own JOIN memberships other ON other.conversation_id = own.conversation_id
       JOIN conversations c ON c.id = own.conversation_id
     SET own.last_message_at = '2026-01-02 03:04:05.678', c.last_message_at = '2026-01-02 03:04:05.678'
     WHERE other.user_id = ?`,
    [person.id],
  );
  const pages = await walk(person);
  const names = namesOf(pages);
  assert.equal(new Set(names).size, names.length, "nobody comes twice");
  assert.deepEqual(new Set(names.slice(0, 27)), new Set(partners.map(({ name }) => name)));
  const rest = others(person).filter((name) => !partners.some((partner) => partner.name === name));
  assert.deepEqual(names.slice(27), [...rest, "Talker"].sort(byKey));
});

test("conversations of before the database's clock was set back are listed with those of after it", async () => {
  const person = await signUp(causerie, "Clockback");
  const partners = crowd.slice(0, 26);
  for (const other of partners) await say(other, person, "hello");
  await causerie.rows(
    `UPDATE memberships own JOIN conversations c ON c.id = own.conversation_id
     SET own.last_message_at = own.last_message_at + INTERVAL 1 HOUR,
         c.last_message_at = c.last_message_at + INTERVAL 1 HOUR WHERE own.user_id = ?`,
    [person.id],
  );
  const later = partners.slice(22);
  for (const other of later) await say(other, person, "again");
  const names = namesOf(await walk(person));
  assert.equal(new Set(names).size, names.length, "nobody comes twice");
  assert.deepEqual(new Set(names.slice(0, 22)), new Set(partners.slice(0, 22).map(({ name }) => name)));
  assert.deepEqual(names.slice(22, 26), later.map(({ name }) => name).reverse());
});

test("a page that ends exactly with the last conversation goes on with the names", async () => {
  const person = await signUp(causerie, "Twenty");
  for (const other of crowd.slice(0, 20)) await say(person, other, "hello");
  const pages = await walk(person);
  assert.equal(pages[0]?.rows.length, 20);
  assert.ok(pages[0]?.rows.every(({ lastMessage }) => lastMessage !== null));
  const names = namesOf(pages);
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.length, (await userCount()) - 1);
});

test("an unread count and a preview stand in the row of whoever got it, and only there", async () => {
  const [writer, reader, outsider] = [
    await signUp(causerie, newName()),
    await signUp(causerie, newName()),
    await signUp(causerie, newName()),
  ];
  await say(writer, reader, "first");
  await say(writer, reader, "<b>second</b>\nline {{x}}");
  const row = (await pageOf(reader, {})).rows[0];
  assert.ok(row);
  assert.equal(row.userId, writer.id);
  assert.equal(row.unread, 2);
  assert.equal(row.lastMessage?.message, "<b>second</b>\nline {{x}}");
  assert.match(row.html, /data-unread="2"/);
  assert.match(row.html, /class="badge" aria-hidden="true">2<\/span>/);
  assert.match(row.html, />2 unread<\/span>/);
  assert.match(row.html, /class="preview" dir="auto">&lt;b&gt;second&lt;\/b&gt; line \{\{x\}\}<\/span>/);
  const page = await (await reader.get("/")).text();
  assert.match(page, /<title>\(1\) Causerie<\/title>/);
  const [own] = (await pageOf(writer, {})).rows;
  assert.equal(own?.unread, 0);
  assert.match(own?.html ?? "", /class="preview" dir="auto">You: &lt;b&gt;second/);
  const [members] = await causerie.rows<{ unread: number }>(
    "SELECT unread_count AS unread FROM memberships WHERE user_id = ?",
    [reader.id],
  );
  assert.equal(members?.unread, 2);
  const strangers = (await walk(outsider)).flatMap(({ rows }) => rows);
  assert.ok(strangers.every(({ unread, lastMessage }) => unread === 0 && lastMessage === null));
  assert.match(await (await outsider.get("/")).text(), /<title>Causerie<\/title>/);
});

test("a long preview is cut between characters, and a count beyond 99 says so", async () => {
  const [writer, reader] = [await signUp(causerie, newName()), await signUp(causerie, newName())];
  await say(writer, reader, "🌞".repeat(500));
  await causerie.rows("UPDATE memberships SET unread_count = 100 WHERE user_id = ?", [reader.id]);
  const [row] = (await pageOf(reader, {})).rows;
  assert.match(row?.html ?? "", />🌞{80}<\/span>/u);
  assert.match(row?.html ?? "", />99\+<\/span>/);
  assert.match(row?.html ?? "", />100 unread<\/span>/);
});

test("who is online has a green dot's mark, whoever is not a grey one's", async () => {
  const [person, here, away] = [
    await signUp(causerie, newName()),
    await signUp(causerie, newName()),
    await signUp(causerie, newName()),
  ];
  await away.post("/logout", {});
  const device = await connect(causerie, here);
  assert.ok((await device.ask("getConversations", {})).ok);
  const dot = async (other: Person) => (await pageOf(person, { q: other.name })).rows[0]?.html ?? "";
  assert.match(await dot(here), /data-online="true"[\s\S]*>Online<\/span>/);
  assert.match(await dot(away), /data-online="false"[\s\S]*>Offline<\/span>/);
});

test("a search finds any part of a name whatever its case, accents and forms, beginnings first", async () => {
  for (const q of ["len", "LEN", "lén", "ｌｅｎ", "len".normalize("NFD"), "  len "]) {
    const pages = await walk(ada, q);
    const names = namesOf(pages);
    const expected = others(ada).filter((name) => usernameKey(name).includes("len"));
    assert.deepEqual([...names].sort(), expected.sort(), q);
    const begins = names.filter((name) => usernameKey(name).startsWith("len"));
    assert.deepEqual(names.slice(0, begins.length), begins.sort(byKey), q);
    assert.ok(pages.length > 1 && begins.length > 0 && begins.length < names.length);
  }
});

test("every page of a search keeps the search in its link", async () => {
  const html = await (await ada.get("/?q=l%C3%A9n")).text();
  assert.match(html, /<input [^>]*name="q" value="lén"/);
  const more = unescapeHtml(/data-more href="([^"]+)"/.exec(html)?.[1] ?? "");
  assert.equal(new URL(more, causerie.url).searchParams.get("q"), "lén");
});

test("signs that mean something to databases mean themselves", async () => {
  const found = async (q: string) => namesOf(await walk(ada, q));
  assert.deepEqual(await found("_"), ["bob_x"]);
  assert.deepEqual(await found("b_x"), ["bob_x"]);
  assert.deepEqual(await found("-."), ["x-.x"]);
  for (const q of ["%", "\\", "\\_", "b%x", "'", '"', "' OR '1'='1", "/*", "--", "bob\0x", "\0", "*", ".*"]) {
    assert.deepEqual(await found(q), [], JSON.stringify(q));
  }
});

test("one never finds oneself, by any part of one's name", async () => {
  for (const q of ["Ada", "ada", "da", "a"]) {
    assert.ok(!namesOf(await walk(ada, q)).includes("Ada"), q);
  }
});

test("somebody found keeps unread count and preview", async () => {
  const [writer, reader] = [await signUp(causerie, newName()), await signUp(causerie, newName())];
  await say(writer, reader, "look here");
  for (const q of [writer.name, writer.name.slice(3)]) {
    const row = (await pageOf(reader, { q })).rows.find(({ userId }) => userId === writer.id);
    assert.equal(row?.unread, 1);
    assert.equal(row?.lastMessage?.message, "look here");
  }
});

test("a search that finds nobody says so in the words that were typed, and as text", async () => {
  for (const q of ["nobody has this", "<script>alert(1)</script>", "{{viewer.id}}", "{q}", "é🌞", "x' --"]) {
    const html = await (await ada.get(`/?${new URLSearchParams({ q })}`)).text();
    const said = /<p data-no-matches-text>([^<]*)<\/p>/.exec(html)?.[1] ?? "";
    assert.equal(unescapeHtml(said), `Nobody's name contains “${q}”.`);
    assert.doesNotMatch(html, /<div class="empty" data-no-matches hidden>/);
    assert.deepEqual(idsIn(html), []);
  }
});

test("a search of blanks lists everybody", async () => {
  for (const q of ["", " ", "\u00a0", "\u0301"]) {
    assert.equal((await pageOf(ada, { q })).rows.length, 20, JSON.stringify(q));
  }
});

test("searches that are no texts are not understood, long and strange ones find nobody", async () => {
  for (const path of ["/?q=a&q=b", `/?q=${"x".repeat(201)}`, "/?after=a&after=b"]) {
    assert.equal((await ada.get(path)).status, 400, path);
  }
  const strange = ["%00", "%ff%fe", "%ed%a0%80", "%E2%80%AE", "%F0%9F%8C%9E", "%", "%zz"];
  for (const q of [...strange, `no${"%CC%81".repeat(150)}body`, "%EF%B7%BA".repeat(200), `__proto__`]) {
    const response = await ada.get(`/?q=${q}`);
    assert.equal(response.status, 200, q);
    assert.deepEqual(idsIn(await response.text()), [], q);
  }
  for (const path of ["/?q[a]=b", "/?__proto__=x", "/?__proto__[q]=x", "/?constructor=x"]) {
    assert.equal((await ada.get(path)).status, 200, path);
  }
});

test("cursors that this server did not make are not understood, or name a place in the list", async () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const garbage = [
    ...["", "x", "%00", "null", "e30", "'; DROP TABLE users; --", "{{x}}", "é🌞", "=".repeat(50)],
    ...[
      [],
      {},
      null,
      7,
      "talk",
      ["talk"],
      ["talk", 1],
      ["talk", "1", 2],
      ["talk", 1.5, 2],
      ["room", 1, 2],
    ].map(encode),
    ...[
      ["talk", 9e15, 1],
      ["talk", 8.64e15, 1],
      ["talk", -9e15, 1],
      ["talk", -1, 1],
      ["talk", 1e300, 1],
    ].map(encode),
    ...[
      ["talk", 1, -1],
      ["talk", 1, 1e300],
      ["part", "a", -1],
      ["part", "a", 1.5],
      ["part", 1, 1],
    ].map(encode),
    ...[["name", 7], ["name", "x".repeat(129)], ["name", ["x"]], { 0: "name", 1: "x", length: 2 }].map(
      encode,
    ),
    `${"A".repeat(1001)}`,
  ];
  for (const after of garbage) {
    for (const q of ["", "len"]) {
      const response = await ada.get(`/?${new URLSearchParams({ q, after })}`);
      assert.equal(response.status, 400, `${after} with ${q}`);
    }
  }
  const places = [
    ["name", ""],
    ["name", "\ud800"],
    ["name", "\0"],
    ["name", "' OR 1=1"],
    ["name", "%"],
    ["talk", 0, 0],
    ["talk", Date.UTC(9999, 11, 31), Number.MAX_SAFE_INTEGER],
    ["part", "", 0],
    ["part", "\ud800", Number.MAX_SAFE_INTEGER],
  ];
  for (const place of places) {
    for (const q of ["", "len"]) {
      const { rows } = await pageOf(ada, { q, after: encode(place) });
      assert.ok(
        rows.every(({ userId }) => userId !== ada.id),
        JSON.stringify(place),
      );
    }
  }
});

async function userCount(): Promise<number> {
  const [row] = await causerie.rows<{ n: number }>("SELECT COUNT(*) AS n FROM users");
  return row?.n ?? 0;
}
