import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import multiavatar from "@multiavatar/multiavatar";
import type { RequestHandler } from "express";

/** Raised when drawings change, so that browsers fetch anew what they otherwise keep for ever. */
const DRAWING_VERSION = 1;
const KEPT_MAX = 2000;
/** At 9 a sheet takes fifteen times as long and is 1 % smaller. */
const BROTLI_QUALITY = 5;
/** Edge of a drawing, in its own units. */
const EDGE = 231;
/** Slots of a sheet; `avatars.css` has a rule for each. */
const SHEET_SLOTS = 24;
const ID = "[1-9]\\d{0,15}";
const FILE = new RegExp(`^(${ID}(?:-${ID}){0,${SHEET_SLOTS - 1}})\\.svg$`);

export const AVATAR_ROUTE = `/avatars/${DRAWING_VERSION}/:file`;

export function avatarUrl(userId: number): string {
  return `/avatars/${DRAWING_VERSION}/${userId}.svg`;
}

/** A picture, and which part of it is meant where it holds several people. */
export interface Avatar {
  src: string;
  slot: number;
}

/** One person's picture by itself. */
export const avatarOf = (userId: number): Avatar => ({ src: avatarUrl(userId), slot: 0 });

/**
 * Everybody's place on one sheet, for lists: one request instead of one each, and shapes that repeat are
 * compressed together, a third of the bytes. In the order of ids, so that a list in another order has the same.
 */
export function avatarSheet(userIds: number[]): (userId: number) => Avatar {
  const ids = [...new Set(userIds)].sort((a, b) => a - b);
  if (ids.length > SHEET_SLOTS) return avatarOf;
  const src = `/avatars/${DRAWING_VERSION}/${ids.join("-")}.svg`;
  const slots = new Map(ids.map((id, slot) => [id, slot]));
  return (userId) => ({ src, slot: slots.get(userId) ?? 0 });
}

interface Drawing {
  plain: Buffer;
  br: Buffer;
  gzip: Buffer;
}

const kept = new Map<string, Promise<Drawing>>();

/** Pictures, drawn from the ids alone: they tell nothing, not even whether the person exists. */
export const serveAvatar: RequestHandler<{ file: string }> = async (request, response, next) => {
  const ids = FILE.exec(request.params.file)?.[1];
  if (!ids) return next();
  // Sheets are not kept: each is for one reader, whose browser keeps it.
  const drawing = await (ids.includes("-") ? compress(drawSheet(ids.split("-"))) : keep(ids));
  const encoding = request.acceptsEncodings("br") || request.acceptsEncodings("gzip");
  response.set("Content-Type", "image/svg+xml");
  response.set("Cache-Control", "public, max-age=31536000, immutable");
  response.vary("Accept-Encoding");
  if (encoding === "br" || encoding === "gzip") {
    response.set("Content-Encoding", encoding).end(drawing[encoding]);
  } else response.end(drawing.plain);
};

function keep(id: string): Promise<Drawing> {
  if (kept.size >= KEPT_MAX) kept.clear();
  const drawing = kept.get(id) ?? compress(drawAvatar(id));
  kept.set(id, drawing);
  return drawing;
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

/** Drawings below each other; always as tall as all slots, so that a slot is at the same place in every sheet. */
function drawSheet(ids: string[]): string {
  const drawings = ids.map((id, slot) =>
    drawAvatar(id).replace(
      /^<svg [^>]*>/,
      `<svg y="${slot * EDGE}" width="${EDGE}" height="${EDGE}" viewBox="0 0 ${EDGE} ${EDGE}">`,
    ),
  );
  const height = EDGE * SHEET_SLOTS;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${EDGE} ${height}">${drawings.join("")}</svg>`;
}

/** The drawing as SVG without style attributes, which our content security policy does not allow. */
export function drawAvatar(id: string): string {
  return lighten(multiavatar(id)).replace(/ style="([^"]*)"/g, (_whole, style: string) =>
    presentation(style),
  );
}

function presentation(style: string): string {
  const declarations = style.split(";").map((declaration) => declaration.split(":"));
  return declarations
    .map(([name, value]) => (name && value ? ` ${name.trim()}="${value.trim()}"` : ""))
    .join("");
}

/** A decimal of 231 is finer than any screen shows; a shape without paint shows nothing. */
function lighten(svg: string): string {
  return svg
    .replace(/<path d="[^"]*" style="fill:none;?"\/>/g, "")
    .replace(/(-?\d*\.\d{2,})(\.?)/g, (_whole, number: string, next: string) => {
      const short = Number(number).toFixed(1);
      // The next number may begin with the point that this one no longer has.
      return short.replace(/\.0$/, "") + (next && " .");
    });
}
