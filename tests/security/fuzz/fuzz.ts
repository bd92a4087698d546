import { randomFrom } from "../../faults/random.ts";
import type { Causerie } from "../../support/causerie.ts";
import { logIn, type Person, signUp } from "../../support/person.ts";
import { fuzzEvents } from "./events.ts";
import { fuzzRawFrames } from "./raw-frames.ts";
import { fuzzRawRequests } from "./raw-requests.ts";
import { memoryOf, type Outcome, Tally } from "./report.ts";
import { fuzzRequests } from "./requests.ts";
import { valuesFrom } from "./values.ts";

/** How many of each at once. */
const WORKERS = { requests: 3, rawRequests: 12, events: 2, rawFrames: 8 };

/** What a node under a fuzz is started with: no limit may be in its way, and hashes are cheap. */
export const FUZZ_SETTINGS = {
  ...{ LIMIT_LOGIN_PER_NAME: "off", LIMIT_LOGIN_PER_NAME_ANYWHERE: "off", LIMIT_LOGIN_PER_ADDRESS: "off" },
  ...{ LIMIT_PASSWORD_PER_USER: "off", LIMIT_PASSWORD_PER_USER_ANYWHERE: "off" },
  ...{ LIMIT_CODE_PER_USER: "off", LIMIT_CODE_PER_USER_ANYWHERE: "off", LIMIT_REGISTER_PER_ADDRESS: "off" },
  ...{ LIMIT_SEARCH_PER_USER: "off", LIMIT_SEND_PER_USER: "off", LIMIT_EVENTS_PER_SOCKET: "off" },
  ...{
    LIMIT_SOCKETS_PER_USER: "off",
    LIMIT_SOCKETS_PER_ADDRESS: "off",
    LIMIT_CONNECTIONS_PER_ADDRESS: "off",
    BCRYPT_COST: "4",
  },
};

/** Sends all kinds of input for `seconds`, the same ones for the same seed, and tells what came of it. */
export async function fuzz(causerie: Causerie, seed: number, seconds: number): Promise<Outcome> {
  const people = await Promise.all(Array.from({ length: 4 }, () => signUp(causerie)));
  const [one] = people;
  if (!one) throw new Error("nobody");
  const others = await otherCookies(causerie, one);
  const tally = new Tally();
  const values = valuesFrom(seed);
  const before = await memoryOf(causerie);
  const started = performance.now();
  const end = started + seconds * 1000;
  const until = () => (causerie.process.exitCode === null && causerie.process.signalCode === null ? end : 0);
  const seeds = randomFrom(seed);
  const fuzzer = () => ({ random: randomFrom(seeds.between(0, 2 ** 31)), values, tally, until });
  const cookieOf = (index: number) => people[index % people.length]?.cookie ?? "";
  const times = (count: number, run: (index: number) => Promise<void>) =>
    Array.from({ length: count }, (_, i) => run(i));
  const work = Promise.all([
    ...times(WORKERS.requests, (i) =>
      fuzzRequests(causerie, { ...fuzzer(), cookies: { good: cookieOf(i), others } }),
    ),
    ...times(WORKERS.rawRequests, () => fuzzRawRequests(causerie, fuzzer())),
    ...times(WORKERS.events, (i) => fuzzEvents(causerie, { ...fuzzer(), cookie: cookieOf(i) })),
    ...times(WORKERS.rawFrames, (i) => fuzzRawFrames(causerie, { ...fuzzer(), cookie: cookieOf(i) })),
  ]);
  await pause(seconds * 200);
  const warm = await memoryOf(causerie).catch(() => 0);
  await work.catch((error) => tally.fault("a worker ended", String(error)));
  const crashed = until() === 0;
  const after = crashed ? 0 : await memoryOf(causerie);
  return {
    seed,
    seconds: (performance.now() - started) / 1000,
    tally,
    crashed,
    memory: { before, warm, after },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Cookies that let nobody in: of a session that ended, forged, spoilt, empty. */
async function otherCookies(causerie: Causerie, person: Person): Promise<string[]> {
  const gone = await logIn(causerie, person);
  await gone.post("/logout", {});
  const forged = person.cookie.replace(/s%3A(.)/, (_, first) => `s%3A${first === "a" ? "b" : "a"}`);
  return [
    gone.cookie,
    forged,
    person.cookie.slice(0, -5),
    "causerie=s%3A",
    "causerie=%",
    "causerie=j%3A{}",
    "=",
    "theme=%E0",
  ];
}
