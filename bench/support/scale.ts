/** What values an axis shows, and where on the paper each of them stands. */
export interface Scale {
  /** The place of a value, in pixels. */
  at: (value: number) => number;
  ticks: number[];
}

/** Powers of ten and their like; all values must be above zero. */
export function logScale(values: number[], from: number, to: number): Scale {
  const low = Math.log10(Math.min(...values));
  const high = Math.log10(Math.max(...values));
  const steps = high - low > 2.5 ? [1] : high - low > 1 ? [1, 3] : [1, 2, 5];
  const all = range(Math.floor(low) - 1, Math.ceil(high) + 1).flatMap((power) =>
    steps.map((step) => Number((step * 10 ** power).toPrecision(1))),
  );
  return between(all, Math.min(...values), Math.max(...values), Math.log10, from, to);
}

/** From zero on, in steps of 1, 2 or 5. */
export function linearScale(values: number[], from: number, to: number): Scale {
  const high = Math.max(...values, Number.MIN_VALUE);
  const rough = high / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks = range(0, Math.ceil(high / step)).map((count) => Number((count * step).toPrecision(12)));
  return between(ticks, 0, high, (value) => value, from, to);
}

/** The ticks that enclose all values, spread over the paper. */
function between(
  ticks: number[],
  low: number,
  high: number,
  measure: (value: number) => number,
  from: number,
  to: number,
): Scale {
  const first = Math.max(...ticks.filter((tick) => tick <= low));
  const last = Math.min(...ticks.filter((tick) => tick >= high && tick > first));
  const [start, length] = [measure(first), measure(last) - measure(first)];
  const at = (value: number) => from + ((measure(value) - start) / length) * (to - from);
  return { at, ticks: ticks.filter((tick) => tick >= first && tick <= last) };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_none, index) => from + index);
}
