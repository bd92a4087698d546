import assert from "node:assert/strict";
import { test } from "node:test";
import { drawPlot, type Plot } from "../../bench/support/plot.ts";

const plot = (overrides: Partial<Plot> = {}): string =>
  drawPlot({
    title: "Cost against size",
    x: { label: "messages", scale: "log" },
    y: { label: "ms", scale: "log" },
    series: [{ name: "list", points: [20_000, 500_000, 10_000_000].map((x) => ({ x, y: 3 })) }],
    ...overrides,
  });

const numbers = (svg: string, pattern: RegExp) =>
  [...svg.matchAll(pattern)].map(([, number]) => Number(number));
const names = (svg: string) => numbers(svg, /<text x="620" y="([\d.]+)"/g).sort((a, b) => a - b);

test("every point of a plot stands inside its frame, whatever the scale", () => {
  for (const scale of ["log", "linear"] as const) {
    const points = [0.001, 0.8, 7, 99_000].map((y, index) => ({ x: 3 ** index, y, low: y / 2, high: y * 2 }));
    const svg = plot({ x: { label: "", scale }, y: { label: "", scale }, series: [{ name: "", points }] });
    const [x, y] = [numbers(svg, /cx="([^"]+)"/g), numbers(svg, /cy="([^"]+)"/g)];
    assert.equal(x.length, points.length);
    assert.ok(
      x.every((place) => place >= 66 && place <= 600),
      String(x),
    );
    assert.ok(
      y.every((place) => place >= 66 && place <= 424),
      String(y),
    );
    assert.deepEqual(
      y,
      [...y].sort((a, b) => b - a),
    );
  }
});

test("names of lines that end at one place do not cover each other", () => {
  const series = Array.from({ length: 12 }, (_none, index) => ({
    name: `line ${index}`,
    points: [{ x: 1, y: 1 + index / 1e6 }],
  }));
  const places = names(plot({ series }));
  assert.equal(places.length, series.length);
  for (const [index, place] of places.slice(1).entries()) assert.ok(place - (places[index] ?? 0) >= 17);
  assert.ok((places.at(-1) ?? 0) < 480);
});

test("a plot is well-formed SVG whatever its words are, and knows light and dark", () => {
  const svg = plot({ title: 'a < b & "c"', guides: [{ y: 4.5, label: "goal < 4.5" }] });
  assert.match(svg, /aria-label="a &lt; b &amp; &quot;c&quot;"/);
  assert.match(svg, />goal &lt; 4\.5</);
  assert.match(svg, /@media \(prefers-color-scheme: dark\)/);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
});

test("one value alone can be plotted", () => {
  for (const scale of ["log", "linear"] as const) {
    const svg = plot({ y: { label: "", scale }, series: [{ name: "one", points: [{ x: 10, y: 10 }] }] });
    assert.doesNotMatch(svg, /NaN|Infinity/);
  }
});
