import { type Request, type Response, Router } from "express";
import { viewerOf } from "../platform/context.ts";
import { notFound } from "../platform/errors.ts";
import { holdNoScriptPage } from "./page-leases.ts";

/** One transparent pixel. */
const DOT = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

/** The image that pages show only where scripts are off: whoever loads it is looking at the page. */
export const seenRoutes = Router();

seenRoutes.get("/seen.gif", (request, response) => {
  if (!isOwnImage(request)) throw notFound();
  holdNoScriptPage(viewerOf(response).id);
  sendDot(response);
});

/**
 * Whether it is a page of ours that shows the image, as far as the browser says so: no link that is followed, no
 * frame, nothing fetched ahead. Over plain http browsers say none of it; there SameSite keeps other sites' images out.
 */
export function isOwnImage(request: Request): boolean {
  const { "sec-fetch-site": site, "sec-fetch-dest": destination } = request.headers;
  const isOurs = site === undefined || site === "same-origin";
  const isImage = destination === undefined || destination === "image";
  return isOurs && isImage && !/\bprefetch\b/.test(request.get("Sec-Purpose") ?? "");
}

export function sendDot(response: Response): void {
  response.set("Cache-Control", "no-store").type("image/gif").send(DOT);
}
