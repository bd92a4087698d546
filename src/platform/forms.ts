import type { Request, Response } from "express";
import type { z } from "zod";
import { type AuditEvent, audit, requestOf } from "./audit.ts";
import { sentenceOf } from "./context.ts";
import { refusalOf, setRefused, wantsJson } from "./error-pages.ts";
import { Refusal } from "./errors.ts";
import { translate } from "./i18n.ts";

/** A page around a form that posts to the page's own address. */
export interface FormPage {
  view: string;
  path: string;
  /** Key of its heading. */
  title: string;
  /** Beside which field each refusal is told, by the beginning of its key; any other stands above the form. */
  fields: Record<string, string>;
  /** What the audit log says when it is refused. */
  refused: AuditEvent;
  /** Whom it concerns, where that is not who is signed in. */
  userId?: number;
}

/** What a form says. @throws Refusal `invalid` where it says something else than the form asks */
export function parseForm<T>(schema: z.ZodType<T>, request: Request): T {
  const parsed = schema.safeParse(request.body);
  if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
  return parsed.data;
}

/** Draws a form's page, with what is wrong beside the fields. */
export function showForm(response: Response, page: FormPage, context: object = {}): void {
  response.locals.here = page.path;
  response.set("Cache-Control", "no-store");
  response.render(page.view, {
    ...{ title: translate(response.locals.locale, page.title), errors: {}, seenImage: "/seen.gif" },
    ...context,
  });
}

/** Does what a form asks for; where that is refused for what was typed, the form is shown again with the reason. */
export async function orShowAgain(
  request: Request,
  response: Response,
  page: FormPage,
  work: () => Promise<void>,
  context: () => Promise<object> = async () => ({}),
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const refusal = refusalOf(error);
    // What is not there for who asks is told by the error page, and has its line there.
    if (refusal && refusal.code !== "not_found") auditRefusal(request, page, refusal);
    // A store that is away is told by the error page.
    if (!refusal?.key.startsWith("auth.") || wantsJson(request)) throw error;
    const fields = Object.entries(page.fields);
    const [, field] = fields.find(([beginning]) => refusal.key.startsWith(beginning)) ?? ["", "form"];
    const shown = await context();
    setRefused(response, refusal.status, refusal.retryAfterS);
    showForm(response, page, { ...shown, errors: { [field]: sentenceOf(response, refusal) } });
  }
}

function auditRefusal(request: Request, { refused, userId }: FormPage, { key: reason }: Refusal): void {
  audit(refused, { ...requestOf(request), ...(userId === undefined ? {} : { userId }), reason });
}
