import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import type { RequestHandler } from "express";
import type { Manifest } from "./build.ts";

const FOLDER = new URL("../../public/build/", import.meta.url);
const TYPES: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

interface Asset {
  type: string;
  plain: Buffer;
  br: Buffer;
  gzip: Buffer;
}

let names: Record<string, string> = {};

/** The address of a built file by the name templates use. @throws Error for a name that was not built */
export function assetUrl(name: string): string {
  const file = names[name];
  if (!file) throw new Error(`there is no built file for ${name}`);
  return `/build/${file}`;
}

/** Headers that say what a document may do: a stylesheet or a script is none, and they would be a seventh of it. */
const OF_DOCUMENTS = ["Permissions-Policy", "Referrer-Policy", "X-Frame-Options", "X-DNS-Prefetch-Control"];

/** Serves the built files from memory, compressed beforehand; a file never changes under its name. */
export async function serveAssets(manifest: Manifest): Promise<RequestHandler> {
  names = manifest.files;
  const assets = new Map<string, Asset>();
  for (const file of Object.values(names)) assets.set(`/build/${file}`, await load(file));
  return (request, response, next) => {
    const asset = assets.get(request.path);
    if (!asset || (request.method !== "GET" && request.method !== "HEAD")) return next();
    // Asked one by one: of several that count the same, the browser's first would win, and that is gzip.
    const encoding = request.acceptsEncodings("br") || request.acceptsEncodings("gzip");
    for (const name of OF_DOCUMENTS) response.removeHeader(name);
    response.set("Content-Security-Policy", "default-src 'none'");
    response.set("Content-Type", asset.type);
    response.set("Cache-Control", "public, max-age=31536000, immutable");
    response.vary("Accept-Encoding");
    if (encoding === "br" || encoding === "gzip") {
      response.set("Content-Encoding", encoding).end(asset[encoding]);
    } else response.end(asset.plain);
  };
}

async function load(file: string): Promise<Asset> {
  const [plain, br, gzip] = await Promise.all(
    [file, `${file}.br`, `${file}.gz`].map((name) => readFile(new URL(name, FOLDER))),
  );
  if (!plain || !br || !gzip) throw new Error(`${file} was not built whole`);
  return { type: TYPES[extname(file)] ?? "application/octet-stream", plain, br, gzip };
}
