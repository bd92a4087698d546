import { curveKey, curveRow, LOADS } from "../rows/sending.ts";
import { drawPlot } from "./plot.ts";
import type { Result } from "./table.ts";

/** Latency against load, ours and the relay's, as SVG; null where the run did not measure it. */
export function latencyPlot(results: Result[]): string | null {
  const curve = new Map(
    results.filter(({ title }) => title === curveRow.title).map((each) => [each.key, each]),
  );
  const quantiles = ["p50", "p99"] as const;
  const series = quantiles.flatMap((quantile) =>
    (["ours", "limit"] as const).map((side) => ({
      name: `${side === "ours" ? "Causerie" : "relay"}, ${quantile}`,
      points: LOADS.flatMap((load) => {
        const spread = curve.get(curveKey(quantile, load))?.[side];
        return spread ? [{ x: load, y: spread.median, low: spread.min, high: spread.max }] : [];
      }),
    })),
  );
  if (series.some(({ points }) => points.length === 0)) return null;
  return drawPlot({
    title: "Time to the other person against load",
    x: { label: "messages a second", scale: "log" },
    y: { label: "milliseconds", scale: "log" },
    series,
  });
}
