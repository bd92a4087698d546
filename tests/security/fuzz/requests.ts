import { ROUTE_ACCESS } from "../../../src/platform/access.ts";
import type { Random } from "../../faults/random.ts";
import type { Causerie } from "../../support/causerie.ts";
import { exchange } from "./raw-http.ts";
import type { Tally } from "./report.ts";
import { chance, plausible, type Values } from "./values.ts";

/** Requests that are well-formed HTTP to every route, with anything in paths, queries, headers and bodies. */

/** Whose cookies requests come with. */
export interface Cookies {
  /** Of somebody whose session stands. */
  good: string;
  /** For routes that end sessions: stolen, spoilt, over. */
  others: readonly string[];
}

const PIPELINED = 24;
const ROUTES = Object.keys(ROUTE_ACCESS).map((route) => {
  const [method = "", path = ""] = route.split(" ");
  return { method, path };
});
/** A hash each, one at a time: often enough to be tried, too slow to be tried as often as the rest. */
const SLOW = /^\/(login|register|password|account|sessions|reset)/;
const FIELDS = [
  ...["username", "password", "next", "theme", "locale", "timeZone", "message", "clientId", "code", "token"],
  ...[
    "q",
    "after",
    "before",
    "around",
    "afterRev",
    "current",
    "confirm",
    "id",
    "__proto__",
    "a[b]",
    "a[]",
    "constructor",
  ],
];
const OTHER_METHODS = ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];

/** Sends batches until it is time. */
export async function fuzzRequests(
  causerie: Causerie,
  { random, values, tally, cookies, until }: Fuzzer & { cookies: Cookies },
): Promise<void> {
  while (performance.now() < until()) {
    const batch = Array.from({ length: PIPELINED }, () => requestOf(causerie, random, values, cookies));
    const answers = await exchange(causerie.url, Buffer.concat(batch), batch.length);
    for (const [index, { status, body }] of answers.entries()) {
      tally.count("requests", String(status));
      const input = () => (batch[index] ?? Buffer.alloc(0)).toString("latin1");
      if (status >= 500 && status !== 503) tally.fault(`answered ${status}`, input());
      if (/\n\s+at .*\(?(file:|node:|\/)/.test(body)) tally.fault("a stack trace", input());
    }
    // An answer that never came: the connection broke, or the node hangs.
    const missing = batch[answers.length];
    if (missing) tally.fault(`${batch.length - answers.length} answers missing`, missing.toString("latin1"));
  }
}

export interface Fuzzer {
  random: Random;
  values: Values;
  tally: Tally;
  /** When to stop, by this process's clock in ms; earlier once something broke. */
  until: () => number;
}

function requestOf(causerie: Causerie, random: Random, values: Values, cookies: Cookies): Buffer {
  let route = random.pick(ROUTES);
  while (SLOW.test(route.path) && route.method === "POST" && !chance(random, 20)) route = random.pick(ROUTES);
  const method = chance(random, 30) ? random.pick(OTHER_METHODS) : route.method;
  const endsSessions = /logout|sessions|password|deletion|users|step|reset|admin/.test(route.path);
  const cookie = endsSessions || chance(random, 5) ? random.pick(cookies.others) : cookies.good;
  const [type, body] = method === "GET" ? ["", ""] : bodyOf(random, values);
  const headers = [
    `${method} ${pathOf(route.path, random, values)} HTTP/1.1`,
    `Host: ${new URL(causerie.url).host}`,
    ...(chance(random, 40) ? [] : [`Origin: ${causerie.url}`]),
    `Cookie: ${cookie}`,
    `Accept: ${random.pick(["text/html", "application/json", "*/*", headerText(random.pick(values.texts))])}`,
    ...(chance(random, 10) ? [`Accept-Language: ${headerText(random.pick(values.texts))}`] : []),
    ...(type === "" ? [] : [`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${headers.join("\r\n")}\r\n\r\n${body}`);
}

function pathOf(path: string, random: Random, values: Values): string {
  const filled = path.replace(/:\w+/g, () =>
    chance(random, 2)
      ? String(random.between(1, 9))
      : encode(random.pick(values.texts).slice(0, 400), random),
  );
  if (!chance(random, 2)) return filled;
  const pairs = Array.from({ length: random.between(1, 3) }, () => pairOf(random, values));
  return `${filled}?${pairs.join("&")}`;
}

function pairOf(random: Random, values: Values): string {
  const field = random.pick(FIELDS);
  const value = chance(random, 3) ? plausible(random, field) : random.pick(values.anything);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${encodeURIComponent(field)}=${encode(text.slice(0, 1000), random)}`;
}

function bodyOf(random: Random, values: Values): [string, string] {
  const count = random.between(0, 5);
  const form = () => Array.from({ length: count }, () => pairOf(random, values)).join("&");
  const json = () =>
    JSON.stringify(
      chance(random, 4)
        ? random.pick(values.anything)
        : Object.fromEntries(
            Array.from({ length: count }, () => [random.pick(FIELDS), random.pick(values.anything)]),
          ),
    );
  const kind = random.between(0, 9);
  if (kind < 5) return ["application/x-www-form-urlencoded", form()];
  if (kind < 8) return ["application/json", json()];
  if (kind === 8) return [`text/plain; charset=${headerText(random.pick(values.texts))}`, json()];
  return [random.pick(["application/json", "application/x-www-form-urlencoded"]), random.pick(values.texts)];
}

/** Encoded as a browser would, or as far as a request line can hold it as it stands. */
function encode(text: string, random: Random): string {
  return chance(random, 6) ? text.replace(/[^\x21-\x7e]/g, "") : encodeURIComponent(text.toWellFormed());
}

/** What Node's parser lets through in a header. */
const headerText = (text: string) => text.replace(/[^\t\x20-\x7e]/g, "").slice(0, 200);
