import type { Line, Round, Row } from "../rows/row.ts";
import { type Spread, spreadOf } from "./stats.ts";

/** A line of the table. */
export interface Result {
  title: string;
  key: string;
  what: string;
  unit: string;
  digits: number;
  ours: Spread;
  limit: Spread | null;
  /** Ours divided by the limit's, round by round. */
  ratio: Spread | null;
  goal: Line["goal"] | null;
  /** Whether the median meets the goal; null without one. */
  met: boolean | null;
}

/** The rounds of a row as lines, each with its medians, minimum and maximum. */
export function resultsOf(row: Row, rounds: Round[]): Result[] {
  return Object.entries(row.lines).flatMap(([key, line]) => {
    const pairs = rounds.flatMap((round) => round[key] ?? []);
    if (pairs.length === 0) return []; // a quick run leaves some out
    const ours = spreadOf(pairs.map((pair) => pair.ours));
    const limits = pairs.flatMap((pair) => (pair.limit === undefined ? [] : [pair.limit]));
    const ratios = pairs.flatMap((pair) => (pair.limit === undefined ? [] : [pair.ours / pair.limit]));
    const limit = limits.length > 0 ? spreadOf(limits) : null;
    const ratio = ratios.length > 0 ? spreadOf(ratios) : null;
    const goal = line.goal ?? null;
    const judged = (ratio ?? ours).median;
    const met = goal === null ? null : "atLeast" in goal ? judged >= goal.atLeast : judged <= goal.atMost;
    const { what, unit, digits = 1 } = line;
    return { title: row.title, key, what, unit, digits, ours, limit, ratio, goal, met };
  });
}

/** The table as Markdown: medians, with minimum and maximum in parentheses. */
export function printTable(results: Result[]): void {
  console.log("\n| what | ours | limit | ratio | goal | |\n|---|---|---|---|---|---|");
  for (const result of results) {
    const { title, what, unit, digits, goal, met } = result;
    const cell = (spread: Spread | null, places: number, of = "") =>
      spread === null
        ? ""
        : `${fixed(spread.median, places)}${of} (${fixed(spread.min, places)}–${fixed(spread.max, places)})`;
    const wanted = !goal ? "" : "atLeast" in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
    const cells = [
      `${title}: ${what}`,
      cell(result.ours, digits, unit && ` ${unit}`),
      cell(result.limit, digits, unit && ` ${unit}`),
      cell(result.ratio, 2),
      wanted,
      met === null ? "" : met ? "met" : "not met",
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function fixed(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
