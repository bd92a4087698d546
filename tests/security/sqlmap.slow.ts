import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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

/** Where what people type becomes part of a query, and what of it is tried. */
const TARGETS = [
  { path: "/login", data: "username=camille&password=a+password", tried: "username,password" },
  { path: "/?q=mi&after=x", data: null, tried: "q,after" },
  { path: "/chat/1/messages?before=5", data: null, tried: "before" },
  { path: "/chat/1/messages", data: "message=hello", tried: "message" },
  { path: "/locale", data: "locale=en&next=%2F", tried: "locale,next" },
];

test("sqlmap finds no way into any form", { skip, timeout: 280_000 }, async () => {
  const [, person] = [await signUp(causerie), await signUp(causerie)];
  const folder = await mkdtemp(join(tmpdir(), "causerie-sqlmap-"));
  try {
    for (const { path, data, tried } of TARGETS) {
      const { stdout } = await run("sqlmap", [
        ...[
          "-u",
          causerie.url + path,
          "-p",
          tried,
          "--cookie",
          person.cookie,
          "--batch",
          "--output-dir",
          folder,
        ],
        ...[
          "--headers",
          `Origin: ${causerie.url}`,
          "--dbms",
          "mysql",
          "--technique",
          "BEU",
          "--threads",
          "4",
        ],
        ...["--flush-session", "--smart", "--disable-coloring"],
        ...(data === null ? [] : ["--data", data]),
      ]);
      assert.doesNotMatch(stdout, /is vulnerable|identified the following injection/, path);
      console.log(`sqlmap ${path}: ${/all tested parameters[^\n.]*/.exec(stdout)?.[0] ?? "nothing found"}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
