import { setTimeout as rest } from "node:timers/promises";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { tooMany, unavailable } from "../platform/errors.ts";

/**
 * Pictures that anybody may ask for, as many and as different ones as they like: so they are drawn one after the
 * other, with rests in between, and what is kept of them has a bound.
 */

/** Of one core's time a third goes to drawing, at most. */
const REST_FACTOR = 2;
const WAITING_MAX = 500;
const WAITING_PER_NETWORK_MAX = 30;
const RETRY_AFTER_S = 5;
const KEPT_BYTES_MAX = 16 << 20;
/** A person's shapes take about 3 KB. */
const SHAPES_MAX = 4000;
/** At 9 a sheet takes fifteen times as long and is 1 % smaller. */
const BROTLI_QUALITY = 5;

export interface Drawing {
  plain: Buffer;
  br: Buffer;
  gzip: Buffer;
}

/** How a picture is made: the shapes of each person in it, put together. */
export interface Recipe {
  ids: string[];
  drawShapes: (id: string) => string;
  compose: (shapes: string[]) => string;
}

const kept = new Map<string, Drawing>();
let keptBytes = 0;
const underWay = new Map<string, Promise<Drawing>>();
const waiting = new Map<string, number>();
const shapesOf = new Map<string, string>();

/**
 * The picture of this name, kept or drawn now.
 *
 * @param network whose turn it takes to draw it
 * @throws Refusal `too_many` where too many of that network wait for theirs, `unavailable` where too many do at all
 */
export async function drawingOf(name: string, network: string, recipe: Recipe): Promise<Drawing> {
  const found = kept.get(name);
  if (!found) return underWay.get(name) ?? draw(name, network, recipe);
  kept.delete(name);
  kept.set(name, found);
  return found;
}

async function draw(name: string, network: string, recipe: Recipe): Promise<Drawing> {
  const before = waiting.get(network) ?? 0;
  if (before >= WAITING_PER_NETWORK_MAX) throw tooMany(RETRY_AFTER_S);
  if (underWay.size >= WAITING_MAX) throw unavailable();
  waiting.set(network, before + 1);
  const drawn = inTurn(() => make(recipe));
  underWay.set(name, drawn);
  try {
    keep(name, await drawn);
    return await drawn;
  } finally {
    underWay.delete(name);
    const left = (waiting.get(network) ?? 1) - 1;
    if (left === 0) waiting.delete(network);
    else waiting.set(network, left);
  }
}

let last: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = last.then(work);
  last = done.then(ignore, ignore);
  return done;
}

const ignore = () => undefined;

async function make({ ids, drawShapes, compose }: Recipe): Promise<Drawing> {
  const shapes: string[] = [];
  for (const id of ids)
    shapes.push(shapesOf.get(id) ?? (await withRest(() => keepShapes(id, drawShapes(id)))));
  return withRest(() => compress(compose(shapes)));
}

function keepShapes(id: string, shapes: string): string {
  if (shapesOf.size >= SHAPES_MAX) shapesOf.clear();
  shapesOf.set(id, shapes);
  return shapes;
}

async function withRest<T>(work: () => T | Promise<T>): Promise<T> {
  const since = performance.now();
  const made = await work();
  await rest(REST_FACTOR * (performance.now() - since));
  return made;
}

async function compress(svg: string): Promise<Drawing> {
  const plain = Buffer.from(svg);
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(plain, { params }),
    promisify(gzip)(plain),
  ]);
  return { plain, br, gzip: gzipped };
}

/** The least recently asked for goes first. */
function keep(name: string, drawing: Drawing): void {
  kept.set(name, drawing);
  keptBytes += bytesOf(drawing);
  for (const [oldest, its] of kept) {
    if (keptBytes <= KEPT_BYTES_MAX) return;
    kept.delete(oldest);
    keptBytes -= bytesOf(its);
  }
}

const bytesOf = ({ plain, br, gzip: gzipped }: Drawing) => plain.length + br.length + gzipped.length;
