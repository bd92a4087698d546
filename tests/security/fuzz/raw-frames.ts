import type { Random } from "../../faults/random.ts";
import type { Causerie } from "../../support/causerie.ts";
import { frame, openRawSocket } from "./raw-socket.ts";
import type { Fuzzer } from "./requests.ts";
import { chance, type Values } from "./values.ts";

/**
 * Frames that bend WebSocket, Engine.IO and Socket.IO, and after them one that may break them. Then the socket is asked
 * something: it is either served, or was closed. Nothing else may happen, least of all to others.
 */

const PROBE = '["watchUsers",{"userIds":[]}]';
const SILENT_MS = 5000;
const BATCH = 50;

export async function fuzzRawFrames(
  causerie: Causerie,
  { random, values, tally, until, cookie }: Fuzzer & { cookie: string },
): Promise<void> {
  let socket = await openRawSocket(causerie.url, cookie);
  for (let id = 1; performance.now() < until(); id += 1) {
    if (!socket.isOpen()) socket = await openRawSocket(causerie.url, cookie);
    const frames = Array.from({ length: BATCH }, () => oddOf(random, values));
    const last = chance(random, 4) ? wrongOf(random, values) : oddOf(random, values);
    const answer = socket.answerTo(id, SILENT_MS);
    socket.write(Buffer.concat([...frames, last, frame(`42${id}${PROBE}`)]));
    const outcome = outcomeOf(await answer, last);
    for (const _ of frames) tally.count("raw frames", "served");
    tally.count("raw frames", outcome);
    if (outcome === "left") socket.close();
    else if (outcome !== "served" && outcome !== "closed") tally.fault(outcome, last.toString("latin1"));
  }
  socket.close();
}

function outcomeOf(answer: string, last: Buffer): string {
  if (answer.startsWith('[{"ok":true')) return "served";
  // "41" says goodbye: whoever said it is still connected, and is told nothing any more, or that they are nobody.
  const isRefused = answer === "silent" || answer.startsWith('[{"ok":false');
  return isRefused && isGoodbye(last) ? "left" : answer.slice(0, 20);
}

/** Its payload stands after a head of 6 bytes, or of 8 where it is longer. */
const isGoodbye = (bytes: Buffer) => [6, 8].some((at) => bytes.toString("latin1", at, at + 2) === "41");

/** Packets that a server may find odd and still go on. */
const ODD = [
  ...["3", "6", "43999[]", "40/admin,", '42["nothing",{}]', '42["toString"]', '42["__proto__",{}]'],
  ...['42["watchUsers"]', '42["typing",null,null,null]', '42["typing",{"typing":true}]'],
];

/** Packets that end a socket, or may. */
const DEADLY = [
  ...[
    "",
    "0",
    "1",
    "2probe",
    "4",
    "40",
    "5",
    "9",
    "x",
    "\0",
    "b",
    "b!!!",
    "42",
    "42{}",
    "42[]",
    "42[null]",
    "42[1]",
  ],
  ...[
    "41/admin,",
    '42/admin,["x"]',
    '42-1["typing",{}]',
    "43[]",
    "43{}",
    '42["connect"]',
    '42["disconnect"]',
  ],
  ...['42["newListener"]', '42["sendMessage"', "44", '44{"message":"x"}', "451-", "46", "47", "49"],
  ...[
    '451-["x",{"_placeholder":true,"num":0}]',
    '4599999999-["x"]',
    '451-["x",{"_placeholder":true,"num":-1}]',
  ],
  ...['451-["sendMessage",{"_placeholder":true,"num":1e99}]', '450-["x"]', '42["x",1e999'],
  ...['42999999999999999999999["typing"]', `42["x",${"[".repeat(2000)}`],
];

function wrongOf(random: Random, values: Values): Buffer {
  const bytes = random.pick(values.bytes);
  const wrong = [
    () => frame(random.pick(DEADLY)),
    () => frame(`42${random.pick(values.texts)}`),
    () => frame(`42/${random.pick(values.texts)},["x"]`),
    () => frame(`4${random.pick(values.texts)}`),
    () => frame(bytes, 0x80 | random.between(0, 15)),
    () => frame(bytes, random.between(0, 255)),
    () => frame("42[]", 0x81, false),
    () => frame(bytes, 0x88),
    () => frame("x".repeat(126), 0x89),
    () => Buffer.concat([frame("4", 0x01), frame(bytes, 0x02)]),
    () => Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    () => frame(Buffer.from([0x34, 0x32, 0xff, 0xfe, 0xc0])),
  ];
  return random.pick(wrong)();
}

/** What belongs to the protocols but not here, with random texts in it. */
function oddOf(random: Random, values: Values): Buffer {
  const text = JSON.stringify(random.pick(values.texts));
  const odd = [
    () => frame(random.pick(ODD)),
    () => frame(`42[${JSON.stringify(`x${random.pick(values.texts)}`)},${text}]`),
    () => frame(`43${random.between(0, 1e6)}[${text}]`),
    () => frame(text.slice(0, 60), 0x89),
    () => frame(text.slice(0, 60), 0x8a),
    () => Buffer.concat([frame('42["no', 0x01), frame(text.slice(0, 20), 0x89), frame('thing"]', 0x80)]),
  ];
  return random.pick(odd)();
}
