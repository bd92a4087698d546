import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { ensurePrograms } from "../src/platform/embedded/embedded.ts";
import { readCold, readLong } from "./support/browser-runs.ts";
import { type Ends, openStage } from "./support/browser-stage.ts";
import { spreadOf } from "./support/stats.ts";

/**
 * `npm run bench:browser`: how soon a cold conversation page can be read and written to on a slow line and a slow
 * device, and whether it stays smooth. Chromium itself makes line and device slow. Tasks are counted by the wall's
 * clock, as a person waits for them, and by processor time, which leaves out what a task waited for other processes.
 * A page that shows anything but what was said fails the bench. `--runs N` makes it shorter or longer than five runs.
 */

const { values: options } = parseArgs({ options: { runs: { type: "string", default: "5" } } });
const RUNS = Number(options.runs);

const LINES: Record<string, { what: string; atMost?: number }> = {
  readable: { what: "readable, ms", atMost: 2000 },
  ready: { what: "ready to send, ms", atMost: 3000 },
  acknowledged: { what: "from Enter to the tick, ms" },
  longTasksLive: { what: "typing while 20 messages/s come: tasks over 50 ms", atMost: 0 },
  longestLive: { what: "the longest of them, ms" },
  busyTasksLive: { what: "of these, over 50 ms of processor time", atMost: 0 },
  busiestLive: { what: "the most that a task took of it, ms" },
  longTasksBurst: { what: "50 messages at once: tasks over 50 ms", atMost: 0 },
  longestBurst: { what: "the longest of them, ms" },
  busyTasksBurst: { what: "of these, over 50 ms of processor time", atMost: 0 },
  busiestBurst: { what: "the most that a task took of it, ms" },
  layoutShift: { what: "layout shift, CLS", atMost: 0 },
  longTasksScrolling: { what: "5,000 messages up and down: tasks over 50 ms", atMost: 0 },
  longestScrolling: { what: "the longest of them, ms" },
  busyTasksScrolling: { what: "of these, over 50 ms of processor time", atMost: 0 },
  busiestScrolling: { what: "the most that a task took of it, ms" },
  longestFrame: { what: "the longest time between two frames, ms" },
  elements: { what: "elements in the page at most" },
  heap: { what: "JS heap after it, MB" },
};

/** Medians with minimum and maximum, as Markdown. */
function printTable(results: Map<string, number[]>): void {
  console.log("\n| what | median (min–max) | goal | |\n|---|---|---|---|");
  for (const [name, values] of results) {
    const { what = name, atMost } = LINES[name] ?? {};
    const { median, min, max } = spreadOf(values);
    const goal = atMost === undefined ? " | " : `≤ ${atMost} | ${median <= atMost ? "met" : "not met"}`;
    console.log(`| ${what} | ${median} (${min}–${max}) | ${goal} |`);
  }
}

async function measure(ends: Ends): Promise<Map<string, number[]>> {
  const stage = await openStage(ends);
  const handled = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const browser = await chromium.launch({
    ...{ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"], ...handled },
  });
  ends.push(() => browser.close());
  const results = new Map<string, number[]>();
  for (let run = 1; run <= RUNS; run += 1) {
    const measured = { ...(await readCold(browser, stage)), ...(await readLong(browser, stage)) };
    console.log(`run ${run}: ${JSON.stringify(measured)}`);
    for (const [name, value] of Object.entries(measured))
      results.set(name, [...(results.get(name) ?? []), value]);
  }
  return results;
}

const ends: Ends = [];
let stopping: Promise<void> | undefined;
/** Once: whoever comes second waits for the same. */
function stop(): Promise<void> {
  stopping ??= stopAll();
  return stopping;
}
async function stopAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end().catch(console.error); // the others must end all the same
}
const interrupt = () => void stop().finally(() => process.exit(130));
process.on("SIGINT", interrupt).on("SIGTERM", interrupt); // often twice: from a terminal or `timeout`, and from npm

try {
  await ensurePrograms([{ program: "chromium", package: "chromium" }], console.log);
  printTable(await measure(ends));
} finally {
  await stop();
}
