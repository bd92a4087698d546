import { chromium } from "playwright-core";
import { ensurePrograms } from "../src/platform/embedded/embedded.ts";
import { readCold, readLong } from "./support/browser-runs.ts";
import { openStage } from "./support/browser-stage.ts";

/**
 * `npm run bench:browser`: how soon a cold conversation page can be read and written to on a slow line and a slow
 * device, and whether it stays smooth. Chromium itself makes line and device slow. A page that shows anything but
 * what was said fails the bench.
 */

const RUNS = 5;

const GOALS: Record<string, { unit: string; goal: string }> = {
  readable: { unit: "ms", goal: "≤ 2000" },
  ready: { unit: "ms", goal: "≤ 3000" },
  acknowledged: { unit: "ms", goal: "" },
  longTasksLive: { unit: "tasks over 50 ms", goal: "0" },
  longestLive: { unit: "ms", goal: "≤ 50" },
  layoutShift: { unit: "CLS", goal: "0" },
  longTasksScrolling: { unit: "tasks over 50 ms", goal: "0" },
  longestScrolling: { unit: "ms", goal: "≤ 50" },
  longestFrame: { unit: "ms between frames", goal: "" },
  elements: { unit: "elements at most", goal: "bounded" },
  heap: { unit: "MB of JS heap after", goal: "bounded" },
};

function row(name: string, values: number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, middle, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return { unit: GOALS[name]?.unit, goal: GOALS[name]?.goal, median: middle, min: least, max: most };
}

await ensurePrograms([{ program: "chromium", package: "chromium" }], console.log);
const stage = await openStage();
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const results = new Map<string, number[]>();
  for (let run = 1; run <= RUNS; run += 1) {
    const measured = { ...(await readCold(browser, stage)), ...(await readLong(browser, stage)) };
    console.log(`run ${run}: ${JSON.stringify(measured)}`);
    for (const [name, value] of Object.entries(measured)) {
      results.set(name, [...(results.get(name) ?? []), value]);
    }
  }
  console.table(Object.fromEntries([...results].map(([name, values]) => [name, row(name, values)])));
} finally {
  await browser.close();
  await stage.close();
}
