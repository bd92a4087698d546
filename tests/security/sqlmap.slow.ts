import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { startCauserie } from "../support/causerie.ts";
import { signUp } from "../support/person.ts";

const run = promisify(execFile);
const isThere = await run("sqlmap", ["--version"]).then(
  () => true,
  () => false,
);
const skip = isThere ? false : "sqlmap is not installed (Debian: apt-get install sqlmap)";
const causerie = await startCauserie({
  ...{ LIMIT_LOGIN_PER_NAME: "off", LIMIT_LOGIN_PER_NAME_ANYWHERE: "off", LIMIT_LOGIN_PER_ADDRESS: "off" },
  ...{ LIMIT_REGISTER_PER_ADDRESS: "off", LIMIT_SEARCH_PER_USER: "off", LIMIT_SEND_PER_USER: "off" },
});
const folder = await mkdtemp(join(tmpdir(), "causerie-sqlmap-"));
after(() => rm(folder, { recursive: true, force: true }));

/** A form or an address, what is sent there, and what of it is tried. */
interface Target {
  path: string;
  data: string | null;
  tried: string;
}

/** Where what people type becomes part of a query. */
const TARGETS: Target[] = [
  { path: "/login", data: "username=camille&password=a+password", tried: "username,password" },
  { path: "/?q=mi&after=x", data: null, tried: "q,after" },
  { path: "/chat/2/messages?before=5", data: null, tried: "before" },
  { path: "/chat/2/messages", data: "message=hello", tried: "message" },
  { path: "/register", data: "username=mateo&password=nine+herons", tried: "username" },
  { path: "/admin?q=mi&after=x", data: null, tried: "q,after" },
  { path: "/admin/invitations", data: "note=for+Noor", tried: "note" },
  { path: "/time-zone", data: "timeZone=Europe%2FParis", tried: "timeZone" },
  { path: "/locale", data: "locale=en&next=%2F", tried: "locale,next" },
];

/** One target takes a few seconds; one that takes this long has to be looked at. */
const TARGET_MS = 30_000;
/** What our pages answer to most of what is tried: an answer like any other, and no reason to give up. */
const REFUSALS = "400,401,403,404,409,413,429";

/** What sqlmap says of a target. @throws Error when it takes too long */
async function sqlmap(url: string, { path, data, tried }: Target, cookie: string): Promise<string> {
  const { stdout } = await run(
    "sqlmap",
    [
      ...["-u", url + path, "-p", tried, "--cookie", cookie, "--headers", `Origin: ${url}`],
      ...["--batch", "--disable-coloring", "--flush-session", "--output-dir", folder],
      ...["--dbms", "mysql", "--technique", "BEU", "--level", "2", "--risk", "2"],
      ...["--threads", "4", "--skip-waf"],
      ...["--timeout", "5", "--retries", "0", "--ignore-code", REFUSALS, "--ignore-redirects"],
      ...(data === null ? [] : ["--data", data]),
    ],
    { timeout: TARGET_MS, killSignal: "SIGKILL", maxBuffer: 16 << 20 },
  );
  return stdout;
}

const FOUND = /identified the following injection point/;
const NOTHING = /all tested parameters do not appear to be injectable/;

test("sqlmap finds no way into any form", { skip, timeout: 280_000 }, async () => {
  // The administrator, who can ask for everything, and somebody to write to.
  const [person] = [await signUp(causerie), await signUp(causerie)];
  for (const target of TARGETS) {
    const start = performance.now();
    const said = await sqlmap(causerie.url, target, person.cookie);
    assert.doesNotMatch(said, FOUND, target.path);
    assert.match(said, NOTHING, `${target.path}: it did not come to its end`);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `sqlmap ${target.data === null ? "GET" : "POST"} ${target.path}, ${target.tried}: nothing, ${seconds} s`,
    );
  }
});

test("asked in the same way, sqlmap finds a way that is there", { skip, timeout: 60_000 }, async () => {
  await causerie.rows("CREATE TABLE careless (name VARCHAR(32))");
  await causerie.rows("INSERT INTO careless VALUES ('camille'), ('mateo')");
  const server = createServer(async (request, response) => {
    const q = new URL(request.url ?? "", "http://localhost").searchParams.get("q") ?? "";
    const rows = await causerie
      .rows<{ name: string }>(`SELECT name FROM careless WHERE name = '${q}'`)
      .catch((error) => [{ name: String(error) }]);
    response.end(rows.map(({ name }) => name).join("\n"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  try {
    const target = { path: "/?q=mateo", data: null, tried: "q" };
    assert.match(await sqlmap(`http://127.0.0.1:${port}`, target, "careless=1"), FOUND);
  } finally {
    server.close();
  }
});
