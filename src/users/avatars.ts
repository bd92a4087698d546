import { brotliCompressSync, constants } from "node:zlib";
import multiavatar from "@multiavatar/multiavatar";
import type { RequestHandler } from "express";

/** Raised when drawings change, so that browsers fetch anew what they otherwise keep for ever. */
const DRAWING_VERSION = 1;
const KEPT_MAX = 2000;
const BROTLI_QUALITY = 9;

export const AVATAR_ROUTE = `/avatars/${DRAWING_VERSION}/:file`;

export function avatarUrl(userId: number): string {
  return `/avatars/${DRAWING_VERSION}/${userId}.svg`;
}

interface Drawing {
  plain: Buffer;
  brotli: Buffer;
}

const kept = new Map<string, Drawing>();

/** A person's picture, drawn from the id alone: it tells nothing, not even whether the person exists. */
export const serveAvatar: RequestHandler<{ file: string }> = (request, response, next) => {
  const id = /^([1-9]\d{0,15})\.svg$/.exec(request.params.file)?.[1];
  if (!id) return next();
  const drawing = kept.get(id) ?? keep(id);
  response.set("Content-Type", "image/svg+xml");
  response.set("Cache-Control", "public, max-age=31536000, immutable");
  response.vary("Accept-Encoding");
  if (request.acceptsEncodings(["br"])) response.set("Content-Encoding", "br").end(drawing.brotli);
  else response.end(drawing.plain);
};

function keep(id: string): Drawing {
  if (kept.size >= KEPT_MAX) kept.clear();
  const plain = Buffer.from(drawAvatar(id));
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  const drawing = { plain, brotli: brotliCompressSync(plain, { params }) };
  kept.set(id, drawing);
  return drawing;
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

/** Two decimals of 231 are finer than any screen shows. */
function lighten(svg: string): string {
  return svg.replace(/-?\d*\.\d{3,}/g, (number) => Number(number).toFixed(2));
}
