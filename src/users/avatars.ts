import multiavatar from "@multiavatar/multiavatar";
import type { RequestHandler } from "express";
import { networkOf } from "../platform/addresses.ts";
import { drawingOf, type Recipe } from "./drawings.ts";

/** Raised when drawings change, so that browsers fetch anew what they otherwise keep for ever. */
const DRAWING_VERSION = 1;
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

/** Pictures, drawn from the ids alone: they tell nothing, not even whether the person exists. */
export const serveAvatar: RequestHandler<{ file: string }> = async (request, response, next) => {
  const ids = FILE.exec(request.params.file)?.[1];
  if (!ids || !isInOrder(ids)) return next();
  const drawing = await drawingOf(ids, networkOf(request), recipeOf(ids.split("-")));
  const encoding = request.acceptsEncodings("br") || request.acceptsEncodings("gzip");
  response.set("Content-Type", "image/svg+xml");
  response.set("Cache-Control", "public, max-age=31536000, immutable");
  response.vary("Accept-Encoding");
  if (encoding === "br" || encoding === "gzip") {
    response.set("Content-Encoding", encoding).end(drawing[encoding]);
  } else response.end(drawing.plain);
};

/** The same people have one sheet, not one for each order that they may be named in. */
function isInOrder(ids: string): boolean {
  const numbers = ids.split("-").map(Number);
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));
}

function recipeOf(ids: string[]): Recipe {
  const compose = (shapes: string[]) => (shapes.length === 1 ? (shapes[0] ?? "") : composeSheet(shapes));
  return { ids, drawShapes: drawAvatar, compose };
}

/** Drawings below each other; always as tall as all slots, so that a slot is at the same place in every sheet. */
function composeSheet(avatars: string[]): string {
  const drawings = avatars.map((avatar, slot) =>
    avatar.replace(
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
