import { linearScale, logScale, type Scale } from "./scale.ts";

/** A line plot as SVG that a page of documentation shows in light and in dark. */

export interface Plot {
  title: string;
  x: Axis;
  y: Axis;
  series: Series[];
  /** Horizontal lines to compare with, such as a goal. */
  guides?: { y: number; label: string }[];
}

interface Axis {
  /** What is measured, with its unit. */
  label: string;
  scale: "linear" | "log";
  /** How a value is written; as a short number if missing. */
  format?: (value: number) => string;
}

interface Series {
  name: string;
  points: Point[];
}

interface Point {
  x: number;
  y: number;
  /** The least and the greatest that were measured, drawn as a bar. */
  low?: number;
  high?: number;
}

const WIDTH = 800;
const HEIGHT = 480;
const FRAME = { left: 66, right: 600, top: 66, bottom: 424 };
const LABEL_GAP = 17;
const LINES = 6;
const DASHES = ["none", "7 4", "2 4"];

// Colours that stay apart for eyes that miss one (after Okabe and Ito), and 4.5:1 against their paper.
const STYLE = `
.plot { font: 13px system-ui, sans-serif; --paper: #fff; --ink: #1f2328; --quiet: #59636e; --grid: #d8dee4;
  --c0: #0969b8; --c1: #b34700; --c2: #00795a; --c3: #a8407e; --c4: #7a6000; --c5: #5f4bb6; }
@media (prefers-color-scheme: dark) { .plot { --paper: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --grid: #30363d;
  --c0: #56b4e9; --c1: #f0883e; --c2: #3fc79a; --c3: #e58bc0; --c4: #d8bd3a; --c5: #a99bff; } }
.plot .paper { fill: var(--paper); }
.plot text { fill: var(--ink); }
.plot .quiet { fill: var(--quiet); }
.plot .title { font-size: 16px; font-weight: 600; }
.plot .grid { stroke: var(--grid); }
.plot .guide { stroke: var(--quiet); stroke-dasharray: 5 3; }
.plot .line { fill: none; stroke-width: 2; }
.plot .lead { fill: none; opacity: 0.5; }`;

/**
 * Draws the plot, 800 pixels wide; each line has its name at its end. Values on a logarithmic axis must be above zero.
 *
 * @returns the text of an SVG file
 */
export function drawPlot(plot: Plot): string {
  const points = plot.series.flatMap((series) => series.points);
  if (points.length === 0) throw new RangeError("nothing to plot");
  const guides = plot.guides ?? [];
  const heights = points.flatMap(({ y, low = y, high = y }) => [y, low, high]);
  const x = scaleOf(
    plot.x,
    points.map((point) => point.x),
    FRAME.left,
    FRAME.right,
  );
  const y = scaleOf(plot.y, [...heights, ...guides.map((guide) => guide.y)], FRAME.bottom, FRAME.top);
  return `<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeXml(plot.title)}">
<style>${STYLE}
</style>
<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="16" y="26">${escapeXml(plot.title)}</text>
${[...axisX(plot.x, x), ...axisY(plot.y, y), ...guides.map((guide) => guideLine(guide, y))].join("\n")}
${plot.series.map((series, index) => line(series, index, x, y)).join("\n")}
${names(plot.series, x, y).join("\n")}
</svg>
`;
}

function scaleOf(axis: Axis, values: number[], from: number, to: number): Scale {
  return axis.scale === "log" ? logScale(values, from, to) : linearScale(values, from, to);
}

function axisX({ label, format = short }: Axis, { at, ticks }: Scale): string[] {
  const { left, right, top, bottom } = FRAME;
  return [
    ...ticks.map((tick) => `<path class="grid" d="M${px(at(tick))} ${top}V${bottom}"/>`),
    ...ticks.map((tick) => text(at(tick), bottom + 18, format(tick), "quiet", "middle")),
    text((left + right) / 2, bottom + 42, label, "", "middle"),
  ];
}

function axisY({ label, format = short }: Axis, { at, ticks }: Scale): string[] {
  const { left, right, top } = FRAME;
  return [
    ...ticks.map((tick) => `<path class="grid" d="M${left} ${px(at(tick))}H${right}"/>`),
    ...ticks.map((tick) => text(left - 8, at(tick) + 4, format(tick), "quiet", "end")),
    text(16, top - 19, label, ""),
  ];
}

function guideLine(guide: { y: number; label: string }, { at }: Scale): string {
  const y = at(guide.y);
  return `<path class="guide" d="M${FRAME.left} ${px(y)}H${FRAME.right}"/>\n${text(FRAME.left + 6, y - 5, guide.label, "quiet")}`;
}

function line({ points }: Series, index: number, x: Scale, y: Scale): string {
  const places = points.map((point) => `${px(x.at(point.x))} ${px(y.at(point.y))}`);
  const bars = points.map(({ x: value, y: middle, low = middle, high = middle }) =>
    low === high ? "" : `M${px(x.at(value))} ${px(y.at(low))}V${px(y.at(high))}`,
  );
  const dots = points.map((point) => `<circle cx="${px(x.at(point.x))}" cy="${px(y.at(point.y))}" r="3.5"/>`);
  const dash = DASHES[Math.floor(index / LINES) % DASHES.length];
  return `<g style="stroke: ${colour(index)}; fill: ${colour(index)}">
<path class="line" stroke-dasharray="${dash}" d="M${places.join("L")}"/>
<path d="${bars.join("")}"/>
${dots.join("")}
</g>`;
}

/** The name of each line at its end, moved apart where several end close together. */
function names(series: Series[], x: Scale, y: Scale): string[] {
  const ends = series.flatMap(({ name, points }, index) => {
    const last = points.at(-1);
    return last ? [{ name, index, x: x.at(last.x), y: y.at(last.y) }] : [];
  });
  ends.sort((a, b) => a.y - b.y);
  const places = spread(ends.map((end) => end.y));
  return ends.map((end, order) => {
    const place = places[order] ?? end.y;
    const lead = `<path class="lead" style="stroke: ${colour(end.index)}" d="M${px(end.x + 6)} ${px(end.y)}H${FRAME.right + 4}L${FRAME.right + 16} ${px(place)}"/>`;
    return `${lead}<text x="${FRAME.right + 20}" y="${px(place + 4)}" style="fill: ${colour(end.index)}">${escapeXml(end.name)}</text>`;
  });
}

/** The nearest places, from top to bottom, that leave room for a name each; as a block where they would not fit. */
function spread(wanted: number[]): number[] {
  const placed: number[] = [];
  for (const y of wanted) placed.push(Math.max(y, (placed.at(-1) ?? Number.NEGATIVE_INFINITY) + LABEL_GAP));
  const bottoms = placed.map((_y, index) => FRAME.bottom - (placed.length - 1 - index) * LABEL_GAP);
  return placed.map((y, index) => Math.min(y, bottoms[index] ?? y));
}

function text(x: number, y: number, words: string, style: string, anchor = "start"): string {
  return `<text class="${style}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escapeXml(words)}</text>`;
}

const colour = (index: number) => `var(--c${index % LINES})`;

const px = (value: number) => value.toFixed(1).replace(/\.0$/, "");

const NUMBERS = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const short = (value: number) => NUMBERS.format(value);

const escapeXml = (words: string) =>
  words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
