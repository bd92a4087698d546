import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTE_ACCESS } from "../../src/platform/access.ts";
import { startCauserie } from "../support/causerie.ts";
import { connect, eventually, logIn, type Person, request } from "../support/person.ts";
import { openTestRedis, sessionKeyOf } from "../support/redis.ts";
import { newTalk, ROUTE_EXAMPLES, type Talk } from "./examples.ts";

const causerie = await startCauserie({ LIMIT_REGISTER_PER_ADDRESS: "off" });
const redis = await openTestRedis(causerie);

/** A cookie that was good once, or looks as if it were, from somebody who took it before. */
const COOKIES: Record<string, (talk: Talk) => Promise<string>> = {
  "stolen before its owner logged out": async ({ member }) => {
    const { cookie, post } = await logIn(causerie, member);
    await post("/logout", {});
    return cookie;
  },
  "of a session that its owner revoked": async ({ member }) => {
    const stolen = await logIn(causerie, member);
    await member.post("/sessions/others/revocation", { password: member.password });
    return stolen.cookie;
  },
  "of a session that ran out": async ({ member }) => {
    const { cookie } = await logIn(causerie, member);
    await redis.del(sessionKeyOf(causerie, cookie));
    return cookie;
  },
  "of before all sessions were ended": async ({ member }) => {
    const { cookie } = await logIn(causerie, member);
    await causerie.rows("UPDATE users SET auth_version = auth_version + 1 WHERE id = ?", [member.id]);
    return cookie;
  },
  "with another session's id and an old signature": async ({ member, other }) => {
    const [, signature = ""] = /causerie=s%3A[^.]+\.([^.;]+)/.exec(other.cookie) ?? [];
    return member.cookie.replace(/(causerie=s%3A[^.]+)\.[^.;]+/, `$1.${signature}`);
  },
  "cut short": async ({ member }) => member.cookie.replace(/(causerie=[^;]{40})[^;]*/, "$1"),
  "of a session that never was": async () => `causerie=s%3A${"a".repeat(32)}.${"b".repeat(43)}`,
};

for (const [what, make] of Object.entries(COOKIES)) {
  test(`a cookie ${what} opens nothing that nobody may open`, async () => {
    for (const [route, access] of Object.entries(ROUTE_ACCESS)) {
      if (access.anonymous === "yes") continue;
      const talk = await newTalk(causerie);
      const example = await ROUTE_EXAMPLES[route]?.(talk);
      const cookie = await make(talk);
      const method = route.split(" ")[0] ?? "";
      const body = example?.fields ? { body: new URLSearchParams(example.fields) } : {};
      const response = await request(causerie, cookie, example?.path ?? "", { method, ...body });
      assert.equal(outcomeOf(response), access.anonymous, `${route}: ${response.status}`);
      const text = await response.text();
      assert.ok(!text.includes(talk.secret) && !text.includes(talk.other.name), route);
    }
    const talk = await newTalk(causerie);
    await assertNoSocket(await make(talk));
  });
}

/** Refused at once, or, where only the account's row tells, cut before it is asked for anything. */
async function assertNoSocket(cookie: string): Promise<void> {
  const device = await connect(causerie, { cookie }).catch(() => null);
  if (device === null) return;
  const answer = await device.ask("getConversations", {}).catch(() => null);
  assert.ok(answer === null || answer.error?.code === "unauthorized", JSON.stringify(answer));
  await eventually(() => device.socket.disconnected, "the socket is cut", 1000);
}

function outcomeOf(response: Response): string {
  return response.headers.get("location")?.startsWith("/login?next=") ? "login" : String(response.status);
}

test("a stolen cookie is worth nothing the moment its owner changes the password", async () => {
  const { member } = await newTalk(causerie);
  const stolen: Person = await logIn(causerie, member);
  const device = await connect(causerie, stolen);
  const fields = { currentPassword: member.password, newPassword: `another one of ${member.name}` };
  const changed = await member.post("/password", fields);
  assert.ok(changed.status < 400, await changed.text());
  assert.equal((await stolen.get("/")).headers.get("location"), "/login?next=%2F");
  assert.equal(device.socket.connected, false);
});
