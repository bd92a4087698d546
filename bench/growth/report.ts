import { drawPlot } from "../support/plot.ts";
import type { Result } from "./measure.ts";

/** What the bench found, for people. */

/** Largest ratio of the cost on the last dataset to that on the first that counts as flat. */
export const GOAL = 1.5;

/** A table in Markdown: time on each dataset, and what the database reads for it. */
export function tableOf(results: Result[]): string {
  const sizes = results[0]?.costs.map(({ messages }) => NUMBER.format(messages)) ?? [];
  const heads = ["what", ...sizes.map((size) => `ms at ${size}`), "ratio", "rows read", "disk pages"];
  return [heads, heads.map(() => "---"), ...results.map(rowOf)]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function rowOf({ name, costs, ratio }: Result): string[] {
  return [
    name,
    ...costs.map(({ ms }) => `${time(ms.median)} (${time(ms.min)} to ${time(ms.max)})`),
    ratio > GOAL ? `**${ratio.toFixed(2)}**` : ratio.toFixed(2),
    costs.map(({ reads }) => NUMBER.format(reads.rows)).join(", "),
    costs.map(({ reads }) => reads.pages.toFixed(1)).join(", "),
  ];
}

/** Cost against size, both logarithmic, as SVG. */
export function plotOf(results: Result[]): string {
  return drawPlot({
    title: "What people do, on datasets of different sizes",
    x: { label: "messages stored", scale: "log" },
    y: { label: "ms to the answer: median of five rounds, least and greatest", scale: "log" },
    series: results.map(({ name, costs }) => ({
      name,
      points: costs.map(({ messages, ms }) => ({ x: messages, y: ms.median, low: ms.min, high: ms.max })),
    })),
  });
}

const NUMBER = new Intl.NumberFormat("en");
const time = (ms: number) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0));
