import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { requestOf } from "./audit.ts";
import { sentenceOf } from "./context.ts";
import { CommitUnknown, isReadOnly, isUnavailable } from "./db-errors.ts";
import { auditDenial } from "./denials.ts";
import { notFound, Refusal, unavailable } from "./errors.ts";
import { translate } from "./i18n.ts";
import { log } from "./log.ts";
import { RedisUnavailable } from "./redis.ts";
import { remembered } from "./remembered.ts";

const RETRY_AFTER_S = 5;

/** What was thrown, as a refusal; null for a fault of ours. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof RedisUnavailable || error instanceof CommitUnknown) return unavailable(error);
  if (isUnavailable(error) || isReadOnly(error)) return unavailable(error);
  return refusalOfParser(error);
}

/** Errors of Express's own parsers carry a status: a body too large, malformed, or not what its type says. */
function refusalOfParser(error: unknown): Refusal | null {
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (status === 413) return new Refusal("too_large", "errors.413.message");
  if (typeof status === "number" && status >= 400 && status < 500)
    return new Refusal("invalid", "errors.400.message");
  return null;
}

/** Whether the client wants data instead of a page. */
export const wantsJson = remembered(
  (request: Request) => request.headers.accept ?? "",
  (request) => request.accepts(["html", "json"]) === "json",
);

/** An address that nobody serves: whoever tries some is refused nothing that is somebody's. */
const NOWHERE = notFound();

export const nothingHere: RequestHandler = () => {
  throw NOWHERE;
};

/** Turns whatever was thrown into a page or JSON; what is unknown is logged, and shown without its details. */
export const showError: ErrorRequestHandler = (error, request, response, next) => {
  const refusal = refusalOf(error);
  if (!refusal) log.error({ requestId: response.locals.requestId, error: detail(error) }, "a request failed");
  else if (refusal.status >= 500)
    log.warn({ requestId: response.locals.requestId, reason: detail(refusal.cause) }, "unavailable");
  else if (isDenial(request, refusal)) {
    auditDenial("denied", { ...requestOf(request), origin: request.get("Origin"), reason: refusal.code });
  }
  if (response.headersSent) return next(error);
  if (refusal && leadsToLogin(request, refusal)) {
    return response.redirect(303, `/login?next=${encodeURIComponent(request.originalUrl)}`);
  }
  return respond(request, response, refusal);
};

/** A page that nobody may see yet. */
function leadsToLogin(request: Request, { code }: Refusal): boolean {
  return code === "unauthorized" && request.method === "GET" && !wantsJson(request);
}

/** Another site's, nobody's, or not the actor's to ask. Pages offer a login, and one that fails has its own line. */
function isDenial(request: Request, refusal: Refusal): boolean {
  const { code, key } = refusal;
  if (code === "unauthorized") return !leadsToLogin(request, refusal) && !key.startsWith("auth.");
  return code === "forbidden" || (code === "not_found" && refusal !== NOWHERE);
}

function respond(request: Request, response: Response, refusal: Refusal | null): void {
  const status = refusal?.status ?? 500;
  const message = refusal
    ? sentenceOf(response, refusal)
    : translate(response.locals.locale, "errors.500.message");
  setRefused(response, status, refusal?.retryAfterS);
  if (wantsJson(request)) {
    response.json({ error: { code: refusal?.code ?? "internal", message, ...retryAfter(refusal) } });
    return;
  }
  const { locale, requestId } = response.locals;
  const heading = translate(locale, `errors.${status}.heading`);
  const context = {
    ...{ status, heading, message, title: heading, requestId: status >= 500 ? requestId : null },
    draft: draftOf(request),
  };
  response.render("error", context, (failure, html) => {
    response.type(failure ? "text/plain" : "text/html").send(failure ? `${status} ${message}` : html);
  });
}

/** The head of an answer that refuses: nobody keeps it, and it says when to come back. */
export function setRefused(response: Response, status: number, retryAfterS?: number | null): void {
  response.status(status).set("Cache-Control", "no-store");
  if (status === 503 || status === 429) response.set("Retry-After", String(retryAfterS ?? RETRY_AFTER_S));
}

/** When to come back, for answers as data. */
export function retryAfter(refusal: Refusal | null): { retryAfterS?: number } {
  return refusal?.retryAfterS ? { retryAfterS: refusal.retryAfterS } : {};
}

/**
 * A message that this request should have sent, so that no refusal loses a text that was typed: the page offers
 * it again under the same `clientId`. Needs no store, because they may be what is away.
 */
function draftOf(request: Request): { action: string; message: string; clientId: string } | null {
  const { message, clientId }: { message?: unknown; clientId?: unknown } = request.body ?? {};
  const isSend = request.method === "POST" && /^\/chat\/\d+\/messages$/.test(request.path);
  if (!isSend || typeof message !== "string" || typeof clientId !== "string") return null;
  return { action: request.path, message, clientId };
}

function detail(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error ?? "");
}
