import pino from "pino";
import type { Config } from "./config.ts";

/** Where the app reports to its operator. */
export type Log = pino.Logger;

/** The app's log; silent until `openLog`. */
export let log: Log = pino({ level: "silent" });

/** Starts reporting as the settings say. */
export function openLog(config: Pick<Config, "production" | "logLevel">): void {
  log = createLog(config);
}

/**
 * Lines of JSON in production, for whatever collects them; plain sentences in a try-out.
 * JSON and the plain form both escape line breaks, so no text from outside can forge a line.
 */
function createLog(config: Pick<Config, "production" | "logLevel">): Log {
  const options = { level: config.logLevel, base: null, timestamp: isoTime };
  return pino(options, { write: config.production ? linesOfATurn() : writePlain });
}

let toldAt = 0;
let told = "";

/** The time as a line has it; many lines are of the same millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== toldAt) told = `,"time":"${new Date(now).toISOString()}"`;
  toldAt = now;
  return told;
}

/** Writes the lines of one turn of the event loop together: writing is dearer than the line. */
function linesOfATurn(): (line: string) => void {
  const out = pino.destination({ fd: process.stdout.fd, sync: true });
  let held = "";
  const flush = () => {
    if (held !== "") out.write(held);
    held = "";
  };
  process.on("exit", flush);
  return (line) => {
    if (held === "") setImmediate(flush);
    held += line;
  };
}

/** Keys that pino adds and the plain form shows elsewhere or not at all. */
const SHOWN_APART = new Set(["level", "time", "msg"]);

/** JSON leaves some characters as they are that begin a new line or steer a terminal (U+0085, U+009B, U+2028). */
function escapeControls(json: string): string {
  return json.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function writePlain(line: string): void {
  const { time, level, msg = "", ...rest }: Record<string, unknown> = JSON.parse(line);
  const label = typeof level === "number" && level >= 50 ? "error " : level === 40 ? "warning " : "";
  const fields = Object.entries(rest).filter(([key]) => !SHOWN_APART.has(key));
  const detail = fields.map(([key, value]) => `${key}=${escapeControls(JSON.stringify(value))}`).join(" ");
  const clock = String(time).slice(11, 19);
  process.stdout.write(`${clock} ${label}${[String(msg), detail].filter(Boolean).join("  ")}\n`);
}
