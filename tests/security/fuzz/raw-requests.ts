import type { Random } from "../../faults/random.ts";
import type { Causerie } from "../../support/causerie.ts";
import { exchange } from "./raw-http.ts";
import type { Fuzzer } from "./requests.ts";
import { chance, type Values } from "./values.ts";

/** Bytes that may be no HTTP at all, one connection each: refused or closed, never answered with a fault. */

const DEADLINE_MS = 1000;

export async function fuzzRawRequests(
  causerie: Causerie,
  { random, values, tally, until }: Fuzzer,
): Promise<void> {
  while (performance.now() < until()) {
    const bytes = rawOf(causerie, random, values);
    const [answer] = await exchange(causerie.url, bytes, 1, DEADLINE_MS);
    tally.count("raw requests", answer ? String(answer.status) : "closed");
    if (answer && answer.status >= 500 && ![501, 503, 505].includes(answer.status)) {
      tally.fault(`answered ${answer.status}`, bytes.toString("latin1"));
    }
  }
}

const LINES = [
  "GET / HTTP/1.1",
  "POST /login HTTP/1.1",
  "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
];
const HEADERS = [
  ...["Content-Length: -1", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked, identity"],
  ...[
    "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    " folded: x",
    "no colon",
  ],
  ...[
    "Upgrade: websocket\r\nConnection: Upgrade",
    "Upgrade: h2c\r\nConnection: Upgrade",
    "Expect: 100-continue",
  ],
  ...[
    "Sec-WebSocket-Key: x",
    "Sec-WebSocket-Version: 99",
    "Connection: close, \0",
    "Host: a\r\nHost: b",
    "Range: bytes=0-,-1",
  ],
  ...[
    "Content-Encoding: gzip",
    "Content-Encoding: br",
    "If-None-Match: *",
    "X-Forwarded-For: ,,,",
    "Cookie: =;=;;",
  ],
];

function rawOf(causerie: Causerie, random: Random, values: Values): Buffer {
  const bytes = random.pick(values.bytes);
  if (chance(random, 6)) return Buffer.concat([bytes, Buffer.from("\r\n\r\n")]);
  const { host } = new URL(causerie.url);
  const lines = [
    chance(random, 3)
      ? `${random.pick(["GET", "POST", "\0", "TRACE", "CONNECT"])} ${bytes.toString("latin1")}`
      : random.pick(LINES),
    `Host: ${host}`,
    `Origin: ${causerie.url}`,
    "Connection: close",
    ...Array.from({ length: random.between(0, 3) }, () => random.pick(HEADERS)),
    ...(chance(random, 4) ? [`X: ${bytes.toString("latin1")}`] : []),
  ];
  // An end that comes at once, so that nothing waits for a body that was announced.
  return Buffer.concat([
    Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    bytes,
    Buffer.from("0\r\n\r\n\r\n\r\n"),
  ]);
}
