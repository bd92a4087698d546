import assert from "node:assert/strict";
import { request as ask } from "node:http";
import { test } from "node:test";
import { ROUTE_ACCESS } from "../../src/platform/access.ts";
import { startCauserie } from "../support/causerie.ts";
import { newTalk, ROUTE_EXAMPLES } from "./examples.ts";

const causerie = await startCauserie({ LIMIT_REGISTER_PER_ADDRESS: "off" });
const { host } = new URL(causerie.url);

/** What browsers say of a request that another page made them send, or that no browser sent. */
const FOREIGN: Record<string, string>[] = [
  {},
  { origin: "https://evil.example" },
  { origin: "null" },
  { origin: `http://${host}.evil.example` },
  { origin: `http://evil.example:${new URL(causerie.url).port}` },
  { origin: "https://evil.example", referer: `${causerie.url}/` },
  { origin: causerie.url, "sec-fetch-site": "cross-site" },
  { origin: causerie.url, "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "none" },
];

const state = () =>
  causerie.rows(
    `SELECT (SELECT COUNT(*) FROM users) AS users, (SELECT COUNT(*) FROM messages) AS messages,
       (SELECT SUM(CRC32(CONCAT_WS(':', id, username, password_hash, auth_version, locale, theme, time_zone)))
        FROM users) AS accounts`,
  );

for (const route of Object.keys(ROUTE_ACCESS).filter((each) => !each.startsWith("GET "))) {
  test(`${route} from another site, or from none, is refused and does nothing`, async () => {
    const talk = await newTalk(causerie);
    const example = await ROUTE_EXAMPLES[route]?.(talk);
    assert.ok(example?.fields, "an example with fields");
    const before = await state();
    for (const headers of FOREIGN) {
      const response = await fetch(causerie.url + example.path, {
        ...{ method: "POST", redirect: "manual" as const, body: new URLSearchParams(example.fields) },
        headers: { cookie: talk.member.cookie, ...headers },
      });
      assert.equal(response.status, 403, JSON.stringify(headers));
      assert.deepEqual(response.headers.getSetCookie(), []);
    }
    assert.deepEqual(await state(), before);
    assert.equal((await talk.member.get("/")).status, 200, "still signed in");
  });
}

/** The status of a handshake; 0 when the server hung up. */
function handshake(transport: string, headers: Record<string, string>): Promise<number> {
  const upgrade = {
    ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
    "sec-websocket-key": "x3JJHMbDL1EzLkh9GBhXDw==",
  };
  return new Promise((resolve) => {
    const asked = ask(`${causerie.url}/socket.io/?EIO=4&transport=${transport}`, {
      headers: { ...(transport === "websocket" ? upgrade : {}), ...headers },
    });
    asked.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    asked
      .on("response", (response) => resolve(response.resume().statusCode ?? 0))
      .on("error", () => resolve(0));
    asked.end();
  });
}

test("a handshake with a foreign, a null or no origin is refused on both transports, whoever's cookie it has", async () => {
  const { member } = await newTalk(causerie);
  const origins = [
    "https://evil.example",
    "null",
    "",
    `http://${host}.evil.example`,
    "http://127.0.0.1",
    undefined,
  ];
  for (const origin of origins) {
    const headers = { cookie: member.cookie, ...(origin === undefined ? {} : { origin }) };
    for (const transport of ["websocket", "polling"]) {
      const status = await handshake(transport, headers);
      assert.ok(status >= 400 && status < 500, `${transport} ${origin}: ${status}`);
    }
  }
  assert.equal(
    await handshake("polling", { cookie: member.cookie, origin: causerie.url }),
    400,
    "polling at all",
  );
  assert.equal(await handshake("websocket", { cookie: member.cookie, origin: causerie.url }), 101);
});
