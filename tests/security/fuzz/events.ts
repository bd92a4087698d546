import { EVENT_ACCESS } from "../../../src/platform/access.ts";
import type { Random } from "../../faults/random.ts";
import type { Causerie } from "../../support/causerie.ts";
import { frame, openRawSocket } from "./raw-socket.ts";
import type { Fuzzer } from "./requests.ts";
import { chance, plausible, type Values } from "./values.ts";

/** Every event with anything as its argument: whoever wants an acknowledgement gets a refusal or an answer. */

const BATCH = 300;
/** The others are served as well, and what fails in them stands in the log; but no answer has to be written. */
const ANSWERED_EVERY = 10;
const NAMES = Object.keys(EVENT_ACCESS);
const FIELDS = [
  ...[
    "receiverId",
    "userId",
    "conversationId",
    "message",
    "clientId",
    "seq",
    "cursors",
    "afterRev",
    "beforeSeq",
  ],
  ...["aroundSeq", "limit", "after", "userIds", "typing", "__proto__", "toString"],
];
/** Stored, drawn and told to both: rarer, or the run measures that instead. */
const HEAVY = new Set(["sendMessage", "getConversations", "getMessages"]);

export async function fuzzEvents(
  causerie: Causerie,
  { random, values, tally, until, cookie }: Fuzzer & { cookie: string },
): Promise<void> {
  let socket = await openRawSocket(causerie.url, cookie);
  while (performance.now() < until()) {
    if (!socket.isOpen()) socket = await openRawSocket(causerie.url, cookie);
    const packets = Array.from({ length: BATCH }, (_, index) => {
      const asks = index % ANSWERED_EVERY === ANSWERED_EVERY - 1;
      return { id: asks ? index : null, text: packetOf(asks ? String(index) : "", random, values) };
    });
    const answers = packets.map(({ id }) => (id === null ? null : socket.answerTo(id)));
    socket.write(Buffer.concat(packets.map(({ text }) => frame(text))));
    for (const [index, answer] of (await Promise.all(answers)).entries()) {
      const code = answer === null ? "no answer asked" : codeOf(answer);
      tally.count("events", code);
      if (["closed", "silent", "unknown"].includes(code)) tally.fault(code, packets[index]?.text ?? "");
    }
  }
  socket.close();
}

function codeOf(answer: string): string {
  return (
    /"code":"(\w+)"/.exec(answer)?.[1] ?? (answer.startsWith('[{"ok":true') ? "ok" : answer.slice(0, 20))
  );
}

function packetOf(id: string, random: Random, values: Values): string {
  let name = random.pick(NAMES);
  if (HEAVY.has(name) && !chance(random, 4)) name = random.pick(NAMES);
  return `42${id}${JSON.stringify([name, argumentOf(random, values)])}`;
}

function argumentOf(random: Random, values: Values): unknown {
  if (chance(random, 6)) return random.pick(values.anything);
  const fields = Array.from({ length: random.between(0, 4) }, () => random.pick(FIELDS));
  const entries = fields.map((field) => [
    field,
    field === "cursors" ? [argumentOf(random, values)] : fieldValue(field, random, values),
  ]);
  // Of `__proto__` in an object of ours JSON would say nothing.
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

const fieldValue = (field: string, random: Random, values: Values) =>
  chance(random, 2) ? plausible(random, field) : random.pick(values.anything);
