import assert from "node:assert/strict";
import { test } from "node:test";
import { type Causerie, startCauserie } from "../support/causerie.ts";
import { postForm } from "../support/forms.ts";
import { newName, signUp } from "../support/person.ts";

/**
 * Whether the time of an answer tells who has an account. Two kinds of request take turns, 200 of each; that their times
 * come from one distribution is tested by ranks (Mann and Whitney, 1947), which no single slow answer can upset.
 */
const SAMPLES = 200;
/** How far the chance that one is slower than the other may be from one half; 0.5 would be no overlap at all. */
const EFFECT_MAX = 0.15;
/** And how far apart the medians may be, as a part of the smaller. */
const MEDIANS_MAX = 0.05;

const causerie = await startCauserie({
  ...{ BCRYPT_COST: "10", LIMIT_LOGIN_PER_NAME: "off", LIMIT_LOGIN_PER_NAME_ANYWHERE: "off" },
  ...{ LIMIT_LOGIN_PER_ADDRESS: "off", LIMIT_REGISTER_PER_ADDRESS: "off" },
});

async function timeOf(work: () => Promise<Response>): Promise<number> {
  const start = performance.now();
  await (await work()).arrayBuffer();
  return performance.now() - start;
}

async function compare(
  what: string,
  one: () => Promise<Response>,
  other: () => Promise<Response>,
): Promise<void> {
  for (let warm = 0; warm < 10; warm += 1) await Promise.all([one(), other()]);
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < SAMPLES; round += 1) {
    // In turns, and each as often first, so that whatever else the machine does meets both.
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const which of order) times[which === 0 ? 0 : 1].push(await timeOf(which === 0 ? one : other));
  }
  const medians = times.map(medianOf);
  const effect = Math.abs(chanceOfSlower(...times) - 0.5);
  const apart = Math.abs((medians[0] ?? 0) - (medians[1] ?? 0)) / Math.min(...medians);
  const figures = `medians ${medians.map((ms) => ms.toFixed(2)).join(" and ")} ms, ${(100 * apart).toFixed(1)} % apart; effect ${effect.toFixed(3)}`;
  console.log(`${what}, ${SAMPLES} samples each: ${figures}`);
  assert.ok(effect < EFFECT_MAX && apart < MEDIANS_MAX, figures);
}

function medianOf(times: number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return ((sorted[SAMPLES / 2 - 1] ?? 0) + (sorted[SAMPLES / 2] ?? 0)) / 2;
}

/** The part of all pairs in which the first is the slower one: Mann and Whitney's U over its greatest value. */
function chanceOfSlower(one: number[], other: number[]): number {
  const wins = one.flatMap((a) => other.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
  return wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
}

test("a login with a wrong name takes as long as one with a wrong password", {
  timeout: 240_000,
}, async () => {
  const person = await signUp(causerie);
  const nobody = newName("u");
  const login = (username: string) => () =>
    postForm(causerie, "/login", { username, password: "not the right one" });
  await compare("login, a name that exists against one that does not", login(person.name), login(nobody));
});

test("the same where the password was hashed at a lower cost, before the setting was raised", {
  timeout: 240_000,
}, async () => {
  const before = await causerie.another({ BCRYPT_COST: "7" });
  const person = await signUp(before);
  await before.stop();
  const nobody = newName("u");
  const login = (username: string) => () =>
    postForm(causerie, "/login", { username, password: "not the right one" });
  await compare("login, a name with a cheaper hash against none", login(person.name), login(nobody));
});

/** Answers of both kinds must be the same, or their times tell nothing that the answers do not. */
async function compareRegistrations(
  what: string,
  node: Causerie,
  { password, status }: { password: string; status: number },
): Promise<void> {
  const person = await signUp(causerie);
  const nobody = newName("u");
  const register = (username: string) => () => postForm(node, "/register", { username, password });
  for (const name of [person.name, nobody]) assert.equal((await register(name)()).status, status);
  await compare(what, register(person.name), register(nobody));
}

test("a registration that is refused for its password takes as long for a taken name as for a free one", {
  timeout: 240_000,
}, async () => {
  // Long enough to be looked at, and refused after the estimate.
  const refused = { password: "password12345", status: 400 };
  await compareRegistrations("registration, a guessable password", causerie, refused);
});

test("where registration is by invitation, one without takes as long for a taken name as for a free one", {
  timeout: 240_000,
}, async () => {
  const byInvitation = await causerie.another({ REGISTRATION: "invite" });
  const refused = { password: "nine herons over the weir", status: 403 };
  await compareRegistrations("registration without an invitation", byInvitation, refused);
  await byInvitation.stop();
});
