import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { fieldValue, postForm } from "../support/forms.ts";
import { cookiesOf, newName } from "../support/person.ts";

/** Two nodes behind a proxy, which is the test: it says where a visitor comes from. */
const LIMITS = {
  ...{ LIMIT_LOGIN_PER_NAME: "20/15m", LIMIT_LOGIN_PER_NAME_ANYWHERE: "50/1h", TRUST_PROXY: "1" },
  ...{ LIMIT_LOGIN_PER_ADDRESS: "45/15m", LIMIT_REGISTER_PER_ADDRESS: "3/1h" },
};
const first = await startCauserie(LIMITS);
const second = await first.another();
const untrusting = await first.another({ TRUST_PROXY: "" });

let networks = 0;
/** An address nobody came from yet. */
const newAddress = () => {
  networks += 1;
  return `198.51.${Math.floor(networks / 250)}.${(networks % 250) + 1}`;
};
/** Signs up from an address of its own: registering is limited as well. */
async function newPerson() {
  const name = newName();
  const password = `password of ${name}`;
  const headers = { "x-forwarded-for": newAddress() };
  const response = await postForm(first, "/register", { username: name, password }, { headers });
  assert.equal(response.status, 303);
  const device = /causerie-device=[^;]+/.exec(cookiesOf(response))?.[0] ?? "";
  return { name, password, device };
}

function tryPassword(
  username: string,
  password: string,
  { from, node = first, cookie = "", language = "en" }: TryFrom,
): Promise<Response> {
  const headers = { "x-forwarded-for": from, "accept-language": language };
  return postForm(node, "/login", { username, password }, { cookie, headers });
}
interface TryFrom {
  from: string;
  node?: typeof first;
  cookie?: string;
  language?: string;
}

/** The statuses of wrong guesses made at once, on both nodes. */
async function guess(username: string, times: number, where: TryFrom): Promise<number[]> {
  const tries = Array.from({ length: times }, (_each, index) =>
    tryPassword(username, `wrong ${index}`, { ...where, node: index % 2 ? second : first }),
  );
  return (await Promise.all(tries)).map((response) => response.status).sort();
}

const times = (count: number, status: number) => Array<number>(count).fill(status);

test("the 21st wrong guess on a name is refused on every node, and the owner gets in from elsewhere", async () => {
  const { name, password } = await newPerson();
  const from = newAddress();
  assert.deepEqual(await guess(name, 20, { from }), times(20, 401));
  for (const node of [first, second]) {
    const refused = await tryPassword(name, password, { from, node });
    assert.equal(refused.status, 429, "not even the right one");
    const wait = Number(refused.headers.get("retry-after"));
    assert.ok(wait > 800 && wait <= 900, String(wait));
    assert.match(refused.headers.get("cache-control") ?? "", /no-store/);
    const html = await refused.text();
    assert.match(html, /There were too many wrong attempts\. Please try again in 15 minutes\./);
    assert.equal(fieldValue(html, "username"), name);
  }
  const french = await tryPassword(name, "wrong", { from, language: "fr" });
  assert.match(await french.text(), /Réessayez dans 15 minutes\./);
  assert.equal((await tryPassword(name, password, { from: newAddress() })).status, 303);
});

test("guesses that come all at once are counted as many", async () => {
  const { name } = await newPerson();
  const statuses = await guess(name, 30, { from: newAddress() });
  assert.deepEqual(statuses, [...times(20, 401), ...times(10, 429)]);
});

test("a name nobody has is refused after as many guesses as one that somebody has", async () => {
  const statuses = await guess(newName(), 21, { from: newAddress() });
  assert.deepEqual(statuses, [...times(20, 401), 429]);
});

test("every spelling of a name counts as the same", async () => {
  const { name } = await newPerson();
  const from = newAddress();
  await guess(name.toUpperCase(), 10, { from });
  await guess(` ${name} `, 10, { from });
  assert.equal((await tryPassword(name, "wrong", { from })).status, 429);
});

test("guessing at many names from one address ends as well, and nobody elsewhere suffers", async () => {
  const people = [await newPerson(), await newPerson(), await newPerson()];
  const from = newAddress();
  const statuses: number[] = [];
  for (const { name } of people) statuses.push(...(await guess(name, 15, { from })));
  assert.deepEqual(statuses, times(45, 401));
  const { name = "", password = "" } = (await newPerson()) ?? {};
  assert.equal((await tryPassword(name, password, { from })).status, 429);
  assert.equal((await tryPassword(name, password, { from: newAddress() })).status, 303);
});

test("logging in uses nothing up, and does not wipe out what was guessed wrongly", async () => {
  const { name, password } = await newPerson();
  const from = newAddress();
  assert.deepEqual(await guess(name, 19, { from }), times(19, 401));
  for (let round = 0; round < 5; round += 1)
    assert.equal((await tryPassword(name, password, { from })).status, 303);
  assert.equal((await tryPassword(name, "wrong", { from })).status, 401);
  assert.equal((await tryPassword(name, password, { from })).status, 429);
});

test("from many addresses at once a name is guessed at no further, but its known devices get in", async () => {
  const { name, password, device } = await newPerson();
  const from = newAddress();
  for (const some of [20, 20, 10]) await guess(name, some, { from: newAddress() });
  assert.equal((await tryPassword(name, password, { from })).status, 429);
  const known = await tryPassword(name, password, { from, cookie: device });
  assert.equal(known.status, 303);
  const forged = device.replace(/\.[^.]+$/, ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  const another = (await newPerson()).device;
  for (const cookie of [forged, another, "causerie-device=", "causerie-device=%00.."]) {
    assert.equal((await tryPassword(name, password, { from, cookie })).status, 429, cookie);
  }
});

test("a known device has its own number of guesses, wherever it goes", async () => {
  const { name, password, device } = await newPerson();
  for (let round = 0; round < 2; round += 1) await guess(name, 10, { from: newAddress(), cookie: device });
  assert.equal((await tryPassword(name, password, { from: newAddress(), cookie: device })).status, 429);
  assert.equal((await tryPassword(name, password, { from: newAddress() })).status, 303);
});

test("what a visitor writes into X-Forwarded-For resets nothing", async () => {
  const { name } = await newPerson();
  const from = newAddress();
  for (let index = 0; index < 20; index += 1)
    await tryPassword(name, "wrong", { from: `203.0.113.${index}, ${from}` });
  assert.equal((await tryPassword(name, "wrong", { from: `203.0.113.99, ${from}` })).status, 429);
  const other = await newPerson();
  for (let index = 0; index < 20; index += 1)
    await tryPassword(other.name, "wrong", { from: `203.0.113.${index}`, node: untrusting });
  const refused = await tryPassword(other.name, "wrong", { from: newAddress(), node: untrusting });
  assert.equal(refused.status, 429);
});

test("an IPv6 address counts by its first 64 bits, however it is written", async () => {
  const { name } = await newPerson();
  for (let index = 0; index < 10; index += 1) {
    await tryPassword(name, "wrong", { from: `2001:db8:0:7::${index + 1}` });
    await tryPassword(name, "wrong", { from: `2001:DB8:0000:0007:${index}:2:3:4` });
  }
  assert.equal((await tryPassword(name, "wrong", { from: "2001:db8:0:7:ffff::" })).status, 429);
  assert.equal((await tryPassword(name, "wrong", { from: "2001:db8:0:8::1" })).status, 401);
  assert.equal((await tryPassword(name, "wrong", { from: "2001:db8::1" })).status, 401);
});

test("so many accounts and no more are made from one address; unfit ones do not count", async () => {
  const headers = { "x-forwarded-for": newAddress() };
  const register = (password: string, accept = "text/html") =>
    postForm(first, "/register", { username: newName(), password }, { headers: { ...headers, accept } });
  assert.equal((await register("short")).status, 400);
  for (let index = 0; index < 3; index += 1)
    assert.equal((await register("long enough, I think")).status, 303);
  const page = await register("long enough, I think");
  assert.equal(page.status, 429);
  assert.match(
    await page.text(),
    /Many accounts were just made from this network\. Please try again in 60 minutes\./,
  );
  const data = await register("long enough, I think", "application/json");
  assert.equal(data.status, 429);
  const { error } = JSON.parse(await data.text());
  assert.equal(error.code, "too_many");
  assert.equal(error.retryAfterS, Number(data.headers.get("retry-after")));
  assert.equal((await signUpFromElsewhere()).status, 303);
});

function signUpFromElsewhere(): Promise<Response> {
  const headers = { "x-forwarded-for": newAddress() };
  return postForm(first, "/register", { username: newName(), password: "long enough" }, { headers });
}
