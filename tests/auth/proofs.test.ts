import assert from "node:assert/strict";
import { test } from "node:test";
import { startCauserie } from "../support/causerie.ts";
import { postForm, textOf } from "../support/forms.ts";
import { cookiesOf, logIn, type Person, request, signUp } from "../support/person.ts";
import { codeOf, turnTwoStepOn } from "../support/two-step.ts";

/** Whoever stole a session or a password guesses on. Behind a proxy, which is the test: it says where one comes from. */
const causerie = await startCauserie({
  TRUST_PROXY: "1",
  ...{ LIMIT_PASSWORD_PER_USER: "3/15m", LIMIT_PASSWORD_PER_USER_ANYWHERE: "7/1h" },
  ...{ LIMIT_CODE_PER_USER: "3/15m", LIMIT_CODE_PER_USER_ANYWHERE: "7/1h" },
});
const elsewhere = await causerie.another();

const HOME = "203.0.113.7";
let addresses = 0;
/** An address nobody came from yet. */
const newAddress = () => {
  addresses += 1;
  return `198.51.100.${addresses}`;
};
const from = (address: string) => ({ "x-forwarded-for": address });
const CHOSEN = "another long password";
const change = (currentPassword: string) => ({ currentPassword, newPassword: CHOSEN });
const statusesOf = (answers: Response[]) => answers.map(({ status }) => status).sort();
const times = (count: number, status: number) => Array<number>(count).fill(status);

/** Wrong passwords at the forms that ask for it again, by a session, all at once and on both nodes. */
async function guessPassword({ cookie }: Pick<Person, "cookie">, count: number, address: string) {
  const forms = ["/password", "/sessions/others/revocation", "/account/deletion", "/two-step"];
  const tries = Array.from({ length: count }, (_each, index) => {
    const fields = { ...change(`wrong ${index}`), password: `wrong ${index}` };
    const path = forms[index % forms.length] ?? "";
    return postForm(index % 2 ? elsewhere : causerie, path, fields, { cookie, headers: from(address) });
  });
  return statusesOf(await Promise.all(tries));
}

test("who guesses with a stolen session locks out only themselves: the owner changes the password", async () => {
  const owner = await signUp(causerie);
  const thief = newAddress();
  assert.deepEqual(await guessPassword(owner, 5, thief), [...times(3, 403), ...times(2, 429)]);
  const right = await postForm(causerie, "/password", change(owner.password), {
    ...{ cookie: owner.cookie, headers: from(thief) },
  });
  assert.equal(right.status, 429, "the thief is told nothing any more");
  assert.equal((await owner.post("/password", change(owner.password), from(HOME))).status, 303);
  assert.equal((await owner.get("/settings")).status, 303, "and the stolen session is over");
});

test("the owner ends the stolen session from another one, also at the thief's own address", async () => {
  const owner = await signUp(causerie);
  const thief = newAddress();
  const phone = await logIn(causerie, owner);
  await guessPassword(owner, 4, thief);
  const [name = ""] = (await (await phone.get("/sessions")).text()).match(/[\w-]{22}(?=\/revocation)/) ?? [];
  const fields = { password: owner.password };
  assert.equal((await phone.post(`/sessions/${name}/revocation`, fields, from(thief))).status, 303);
  assert.equal((await owner.get("/settings")).status, 303);
});

test("from many addresses a stolen session guesses no further, and a new login of the owner's is not held up", async () => {
  const owner = await signUp(causerie);
  const statuses: number[] = [];
  for (let place = 0; place < 4; place += 1) statuses.push(...(await guessPassword(owner, 3, newAddress())));
  assert.deepEqual(statuses.sort(), [...times(7, 403), ...times(5, 429)]);
  const told = await owner.post("/password", change(owner.password), from(HOME));
  assert.equal(told.status, 429);
  assert.match(await told.text(), /There were too many wrong attempts\. Please try again in \d+ minutes\./);
  const again = await logIn(causerie, owner);
  const ended = await again.post("/sessions/others/revocation", { password: owner.password }, from(HOME));
  assert.equal(ended.status, 303);
  assert.equal((await owner.get("/settings")).status, 303);
});

test("what was refused because a limit is used up does not count, and right passwords do not either", async () => {
  const owner = await signUp(causerie);
  for (let place = 0; place < 3; place += 1) await guessPassword(owner, 3, newAddress());
  const again = await logIn(causerie, owner);
  assert.deepEqual(await guessPassword(again, 2, HOME), times(2, 403));
  for (let round = 0; round < 5; round += 1) {
    const short = { currentPassword: owner.password, newPassword: "short" };
    assert.equal((await again.post("/password", short, from(HOME))).status, 400);
  }
  assert.equal((await again.post("/password", change(owner.password), from(HOME))).status, 303);
});

/** The first step: name and password are right. Returns the cookies of a login that is half done. */
async function half({ name, password }: Person, address: string): Promise<string> {
  const fields = { username: name, password };
  const response = await postForm(causerie, "/login", fields, { headers: from(address) });
  assert.equal(response.headers.get("location"), "/login/code");
  return cookiesOf(response);
}

const second = (cookie: string, code: string, address: string, node = causerie) =>
  postForm(node, "/login/code", { code }, { cookie, headers: from(address) });

/** Wrong codes with the right password, each in a login of its own. */
async function guessCode(person: Person, count: number, address: string): Promise<number[]> {
  const tries = Array.from({ length: count }, async (_each, index) => {
    const cookie = await half(person, address);
    return second(cookie, "000000", address, index % 2 ? elsewhere : causerie);
  });
  return statusesOf(await Promise.all(tries));
}

test("who guesses codes with a stolen password locks out only themselves: the owner gives the right one", async () => {
  const owner = await signUp(causerie);
  const { secret } = await turnTwoStepOn(owner);
  const thief = newAddress();
  assert.deepEqual(await guessCode(owner, 5, thief), [...times(3, 403), ...times(2, 429)]);
  assert.equal((await second(await half(owner, thief), codeOf(secret), thief)).status, 429);
  assert.equal((await second(await half(owner, HOME), codeOf(secret), HOME)).status, 303);
});

test("from many addresses codes are guessed no further; the owner gets in by a known browser or a recovery code", async () => {
  const owner = await signUp(causerie);
  const { secret, recoveryCodes } = await turnTwoStepOn(owner);
  const entered = await second(await half(owner, HOME), recoveryCodes[0] ?? "", HOME);
  const device = /causerie-device=[^;]+/.exec(cookiesOf(entered))?.[0] ?? "";
  const statuses: number[] = [];
  for (let place = 0; place < 4; place += 1) statuses.push(...(await guessCode(owner, 3, newAddress())));
  assert.deepEqual(statuses.sort(), [...times(7, 403), ...times(5, 429)]);
  const refused = await second(await half(owner, HOME), codeOf(secret), HOME);
  assert.equal(refused.status, 429);
  assert.match(textOf(await refused.text(), "main") ?? "", /too many wrong attempts/);
  const forged = device.replace(/=[^.]+/, "=made-up");
  const cheat = await second(`${await half(owner, HOME)}; ${forged}`, codeOf(secret), HOME);
  assert.equal(cheat.status, 429, "a device that never logged in");
  const known = await second(`${await half(owner, HOME)}; ${device}`, codeOf(secret), HOME);
  assert.equal(known.status, 303);
  const paper = await second(await half(owner, newAddress()), recoveryCodes[1] ?? "", HOME);
  assert.equal(paper.status, 303);
});

test("a known browser has its own number of codes, from all addresses together", async () => {
  const owner = await signUp(causerie);
  const { secret, recoveryCodes } = await turnTwoStepOn(owner);
  const entered = await second(await half(owner, HOME), recoveryCodes[0] ?? "", HOME);
  const device = /causerie-device=[^;]+/.exec(cookiesOf(entered))?.[0] ?? "";
  const guess = async (address: string) =>
    second(`${await half(owner, address)}; ${device}`, "000000", address);
  const statuses: number[] = [];
  for (let place = 0; place < 9; place += 1) statuses.push((await guess(newAddress())).status);
  assert.deepEqual(statuses, [...times(7, 403), ...times(2, 429)]);
  assert.equal((await second(await half(owner, HOME), codeOf(secret), HOME)).status, 303);
});

test("the audit log says whose guesses came to an end", async () => {
  const owner = await signUp(causerie);
  await guessPassword(owner, 4, newAddress());
  const lines = `${causerie.output()}${elsewhere.output()}`.split("\n");
  const line = lines.find((each) => each.includes("limit_reached") && each.includes(`userId=${owner.id}`));
  assert.match(line ?? "", /passwordPerUser/);
  assert.equal((await request(causerie, owner.cookie, "/settings")).status, 200);
});
