import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { z } from "zod";

/** The tasks of a page's main thread by processor time: what the page costs, however busy the machine is otherwise. */

const TASK = "ThreadControllerImpl::RunTask";

const Trace = z.object({
  traceEvents: z.array(
    z.object({
      ...{ name: z.string(), pid: z.number(), tid: z.number() },
      ...{ dur: z.number().default(0), tdur: z.number().default(0) },
      args: z.object({ name: z.unknown() }).partial(),
    }),
  ),
});

/** Milliseconds of processor time of each task while something happens. */
export async function busyTasksIn(
  browser: Browser,
  page: Page,
  happen: () => Promise<unknown>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ["toplevel"] });
  await happen();
  const trace = await browser.stopTracing();
  const { traceEvents } = Trace.parse(JSON.parse(trace.toString()));
  const threads = traceEvents.filter(
    ({ name, args }) => name === "thread_name" && args.name === "CrRendererMain",
  );
  // A page that was closed before, or is kept in reserve, has a thread of this name too, with nothing to do.
  const tasks = threads.map(({ pid, tid }) =>
    traceEvents
      .filter((event) => event.name === TASK && event.pid === pid && event.tid === tid)
      // The clock of a virtual machine's processor time goes in leaps, beyond what has passed.
      .map(({ dur, tdur }) => Math.min(dur, tdur) / 1000),
  );
  const busiest = tasks.toSorted((a, b) => sum(b) - sum(a))[0] ?? [];
  assert.ok(busiest.length > 0, "the page's tasks were traced");
  return busiest;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
