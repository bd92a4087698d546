import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { StartError } from "../platform/start-error.ts";

/** Dumps and loads, by the database's own programs. */

// One picture of all tables without stopping anybody; what it needs is the right to read.
const DUMP_OPTIONS = [
  ...["--single-transaction", "--quick", "--skip-lock-tables", "--skip-triggers", "--no-tablespaces"],
  ...["--hex-blob"],
];
const END_MARK = /\n-- Dump completed[^\n]*\s*$/;
const END_BYTES = 200;
const SAID_CHARACTERS = 4000;

/** Writes the database into a compressed file that is on the disk when this resolves. @throws StartError */
export async function dump(url: string, file: string, signal: AbortSignal): Promise<void> {
  const client = start("mariadb-dump", url, DUMP_OPTIONS, signal);
  try {
    // Its reason says more than the broken pipe that comes of it.
    const target = createWriteStream(file, { mode: 0o600, flags: "wx", flush: true });
    await Promise.all([pipeline(client.stdout, createGzip(), target), client.done]);
  } catch (error) {
    throw error instanceof Failed
      ? new StartError(`The database could not be dumped: ${error.message}`)
      : error;
  }
}

/** Reads a dump to its end, so that nothing is touched for one that is not whole. @throws StartError */
export async function refuseBroken(file: string): Promise<void> {
  let end = "";
  const read = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) end = (end + chunk.subarray(-END_BYTES).toString()).slice(-END_BYTES);
  };
  try {
    await pipeline(createReadStream(file), createGunzip(), read);
  } catch (error) {
    throw new StartError(`${file} is damaged (${error instanceof Error ? error.message : error}).`);
  }
  if (!END_MARK.test(end)) throw new StartError(`${file} is not a whole dump: its end is missing.`);
}

/** Runs a dump's statements in the database of `url`, until one fails. @throws StartError */
export async function load(url: string, file: string, signal: AbortSignal): Promise<void> {
  const client = start("mariadb", url, [], signal);
  const fed = pipeline(createReadStream(file), createGunzip(), client.stdin);
  try {
    await Promise.all([client.done, fed.catch(unlessClosed)]);
  } catch (error) {
    throw error instanceof Failed
      ? new StartError(`The backup could not be loaded: ${error.message}`)
      : error;
  }
}

/** Where the client stopped listening, its own reason counts. */
function unlessClosed(error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!["EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"].includes(code)) throw error;
}

/** A database program that ended with another status than 0; the message is what it said. */
class Failed extends Error {}

interface Client {
  stdin: Writable;
  stdout: Readable;
  /** Resolves when it ended well. */
  done: Promise<void>;
}

function start(program: string, url: string, options: string[], signal: AbortSignal): Client {
  const { args, env, database } = clientOptions(url);
  const child = spawn(program, [...args, ...options, database], { env, signal });
  let said = "";
  child.stderr.on("data", (text) => {
    said = (said + String(text)).slice(-SAID_CHARACTERS);
  });
  const finish = async () => {
    const [status, killedBy] = await once(child, "close");
    // Its last line is the reason; before it the client shows the statement, and with it what people wrote.
    const reason = said.trim().split("\n").at(-1) || `it ended by ${killedBy}`;
    if (status !== 0) throw new Failed(reason);
  };
  return { stdin: child.stdin, stdout: child.stdout, done: finish() };
}

/** How the database's own programs are told where to go; the password stays out of the list of processes. */
function clientOptions(url: string): { args: string[]; env: NodeJS.ProcessEnv; database: string } {
  const address = new URL(url);
  const socket = address.searchParams.get("socketPath");
  const place = socket
    ? [`--socket=${socket}`]
    : ["--protocol=TCP", `--host=${address.hostname}`, `--port=${address.port || "3306"}`];
  return {
    args: [
      "--no-defaults",
      ...place,
      `--user=${decodeURIComponent(address.username)}`,
      "--default-character-set=utf8mb4",
      // As the app itself does; newer clients would insist on TLS where the server has none.
      address.searchParams.has("ssl") ? "--ssl" : "--skip-ssl",
    ],
    env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8", MYSQL_PWD: decodeURIComponent(address.password) },
    database: decodeURIComponent(address.pathname.slice(1)),
  };
}
