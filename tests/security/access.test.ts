import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  type Access,
  EVENT_ACCESS,
  type Outcome,
  REGISTRATION_ACCESS,
  ROUTE_ACCESS,
  SOCKET_ACCESS,
} from "../../src/platform/access.ts";
import { startCauserie } from "../support/causerie.ts";
import { connect, logIn, type Person, request, signUp } from "../support/person.ts";
import { EVENT_EXAMPLES, type Example, newTalk, ROUTE_EXAMPLES, type Talk } from "./examples.ts";
import { eventsOf, routesOf } from "./surface.ts";

const causerie = await startCauserie({ LIMIT_REGISTER_PER_ADDRESS: "off", LIMIT_SOCKETS_PER_ADDRESS: "off" });
// The first account is the administrator's.
const administrator = await signUp(causerie);
const ROLES = ["anonymous", "stranger", "administrator", "member"] as const;
type Role = (typeof ROLES)[number];

/** What is served before there are routes: built files from memory, and whatever lies in the folder. */
async function filesServed(): Promise<string[]> {
  const files = await readdir("public", { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.replace(/^public/, ""));
  return [
    "GET /build/:file",
    ...paths.filter((path) => !path.startsWith("/build/")).map((path) => `GET ${path}`),
  ];
}

test("every route of the app and every public file is in the table, and nothing else is", async () => {
  const found = await routesOf({ ...causerie.environment, DATA_DIR: causerie.environment.DATA_DIR ?? "" });
  assert.deepEqual([...found, ...(await filesServed())].sort(), Object.keys(ROUTE_ACCESS).sort());
});

test("every event that a socket listens to is in the table, and nothing else is", () => {
  assert.deepEqual(eventsOf(), Object.keys(EVENT_ACCESS).sort());
});

test("only who is signed in gets a socket, by WebSocket alone", async () => {
  const talk = await newTalk(causerie);
  const [path = "", access] = Object.entries(SOCKET_ACCESS)[0] ?? [];
  for (const role of ROLES) {
    const person = await somebody(role, talk);
    const connecting = connect(causerie, person ?? { cookie: "" });
    if (access?.[role] === "yes") (await connecting).socket.disconnect();
    else await assert.rejects(connecting, /unauthorized/, role);
    const polling = `${path}?EIO=4&transport=polling`;
    assert.equal((await request(causerie, person?.cookie ?? "", polling)).status, 400, role);
  }
});

/** Somebody in a role towards a talk, with a session of their own. */
async function somebody(role: Role, talk: Talk): Promise<Person | null> {
  if (role === "anonymous") return null;
  if (role === "member") return talk.member;
  if (role === "stranger") return signUp(causerie);
  // Whoever it was handed over to gives it back.
  await causerie.rows("UPDATE users SET administrator = NULL WHERE administrator = 1");
  await causerie.rows("UPDATE users SET administrator = 1 WHERE id = ?", [administrator.id]);
  return logIn(causerie, administrator);
}

for (const [route, access] of Object.entries(ROUTE_ACCESS)) {
  test(`each gets of ${route} what the table says`, async () => {
    for (const role of ROLES) {
      const talk = await newTalk(causerie);
      const example = await ROUTE_EXAMPLES[route]?.(talk);
      assert.ok(example, "no example");
      const person = await somebody(role, talk);
      await assertAnswer(route, example, person, talk, access[role]);
    }
  });
}

async function assertAnswer(
  route: string,
  { path, fields, shows }: Example,
  person: Person | null,
  { secret, member, other }: Talk,
  outcome: Outcome,
): Promise<void> {
  const method = route.split(" ")[0] ?? "";
  const ask = (accept: string) =>
    request(causerie, person?.cookie ?? "", path, {
      ...{ method, headers: { accept } },
      ...(fields ? { body: new URLSearchParams(fields) } : {}),
    });
  const response = await ask("text/html");
  const body = await response.text();
  assert.equal(outcomeOf(response), outcome === "own" ? "yes" : outcome, `${outcome}: ${response.status}`);
  if (outcome === "login") assert.equal((await ask("application/json")).status, 401);
  if (person !== member) assert.ok(!body.includes(secret), "the secret is shown");
  if (outcome === "yes" && person === member && shows) assert.ok(body.includes(shows), "the owner sees it");
  // Whom somebody else may see in a list is no secret; to nobody even that is not shown.
  if (person === null && shows) assert.ok(!body.includes(other.name));
}

function outcomeOf(response: Response): Outcome | number {
  if (response.headers.get("location")?.startsWith("/login?next=")) return "login";
  if (response.status < 400) return "yes";
  const refused = String(response.status);
  return refused === "401" || refused === "403" || refused === "404" ? refused : response.status;
}

for (const [event, access] of Object.entries(EVENT_ACCESS) as [keyof typeof EVENT_ACCESS, Access][]) {
  test(`each gets of the event ${event} what the table says`, async () => {
    for (const role of ROLES) {
      const talk = await newTalk(causerie);
      const person = await somebody(role, talk);
      if (person === null) {
        assert.equal(access[role], "no socket");
        await assert.rejects(connect(causerie, { cookie: "" }), /unauthorized/);
        continue;
      }
      const [device, others] = [await connect(causerie, person), await connect(causerie, talk.other)];
      const answer = await device.ask(event, EVENT_EXAMPLES[event](talk));
      const got = answer.ok ? "yes" : answer.error?.code === "not_found" ? "404" : answer.error?.code;
      assert.equal(got, access[role] === "own" ? "yes" : access[role], role);
      if (role !== "member") {
        assert.ok(!JSON.stringify(answer).includes(talk.secret), "the secret is shown");
        assert.deepEqual(
          [others.news("receiveMessage"), others.news("typing")],
          [[], []],
          "the members hear nothing",
        );
      }
      for (const { socket } of [device, others]) socket.disconnect();
    }
  });
}

const COLUMNS = ["anonymous", "stranger", "member", "administrator"] as const;
const lineOf = (name: string, access: Access) =>
  `| \`${name}\` | ${COLUMNS.map((column) => access[column]).join(" | ")} |`;

test("docs/security.md has the same table", async () => {
  const text = await readFile("docs/security.md", "utf8");
  const section = text.split("\n## ").find((part) => part.startsWith("Who may what")) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const tables = [ROUTE_ACCESS, SOCKET_ACCESS, EVENT_ACCESS].flatMap((table) => Object.entries(table));
  const modes = Object.entries(REGISTRATION_ACCESS).map(
    ([mode, { first, uninvited, invited }]) => `| \`${mode}\` | ${first} | ${uninvited} | ${invited} |`,
  );
  assert.deepEqual(rows, [...tables.map(([name, access]) => lineOf(name, access)), ...modes]);
});
