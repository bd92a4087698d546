import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import type { Topic } from "./changes.ts";
import { viewerOf } from "./context.ts";
import { wantsJson } from "./error-pages.ts";
import { Kept, keyOf } from "./kept.ts";

/**
 * Answers to somebody who is signed in, kept whole while nothing in them has changed. What is read is read under
 * the viewer's own id, which is part of the key, so an answer is never anybody else's.
 */

/** What a page or its data is made of. */
export interface Answer {
  /** A page's markup, or data. */
  content: string | object;
  /** What it depends on, as `changes.ts` names it. */
  topics: readonly Topic[];
}

/** The names of one showing of a page; each has 36 characters, and stands in the markup as it is. */
export interface Showing {
  /** Tells the page's socket from another page's. */
  pageId: string;
  /** What will be typed into it is sent under this. */
  clientId: string;
}

interface Body {
  type: string;
  bytes: Buffer;
  /** Where in the bytes the names of a showing stand. */
  pageIdAt: number[];
  clientIdAt: number[];
}

const MAX_AGE_MS = 5000;
const OVERHEAD_BYTES = 1000;
/** Nobody outside can write these: they are drawn for this process, and never leave it. */
const BLANKS: Showing = { pageId: randomUUID(), clientId: randomUUID() };

const answers = new Kept<Body>(MAX_AGE_MS, 1 / 2);

/**
 * Answers a request of somebody who is signed in: as it was answered before, or as `make` says. The markup must
 * have the names of `showing` where every showing has its own.
 *
 * @throws Refusal `unauthorized`, and whatever `make` throws
 */
export async function answer(
  request: Request,
  response: Response,
  make: (showing: Showing) => Promise<Answer>,
): Promise<void> {
  const key = answerKey(request, response);
  const body = await answers.get(key, async () => {
    const { content, topics } = await make(BLANKS);
    const value = bodyOf(content);
    return { value, topics, bytes: value.bytes.length + key.length + OVERHEAD_BYTES };
  });
  response.setHeader("Content-Type", body.type);
  const bytes = named(body, { pageId: response.locals.pageId, clientId: randomUUID() });
  response.setHeader("Content-Length", bytes.length);
  response.end(request.method === "HEAD" ? undefined : bytes);
}

/** Everything that an answer depends on and that no change tells of. */
function answerKey(request: Request, response: Response): string {
  const { locale, theme, nextTheme, timeZone } = response.locals;
  const kind = wantsJson(request) ? "json" : "html";
  return keyOf(viewerOf(response).id, kind, locale, theme, nextTheme, timeZone, request.originalUrl);
}

function bodyOf(content: string | object): Body {
  if (typeof content !== "string") {
    const bytes = Buffer.from(JSON.stringify(content));
    return { type: "application/json; charset=utf-8", bytes, pageIdAt: [], clientIdAt: [] };
  }
  const bytes = Buffer.from(content);
  const [pageIdAt, clientIdAt] = [placesOf(bytes, BLANKS.pageId), placesOf(bytes, BLANKS.clientId)];
  return { type: "text/html; charset=utf-8", bytes, pageIdAt, clientIdAt };
}

function placesOf(bytes: Buffer, name: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(name); at !== -1; at = bytes.indexOf(name, at + name.length)) places.push(at);
  return places;
}

/** A copy for one showing. */
function named({ bytes, pageIdAt, clientIdAt }: Body, { pageId, clientId }: Showing): Buffer {
  if (pageIdAt.length + clientIdAt.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  for (const at of pageIdAt) copy.write(pageId, at, "latin1");
  for (const at of clientIdAt) copy.write(clientId, at, "latin1");
  return copy;
}
