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

/** Whether it is a page of ours that shows the image; browsers that do not say are kept out by SameSite. */
export function isOwnImage(request: Request): boolean {
  const site = request.get("Sec-Fetch-Site");
  return site === undefined || site === "same-origin";
}

export function sendDot(response: Response): void {
  response.set("Cache-Control", "no-store").type("image/gif").send(DOT);
}
