import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { type AuditEvent, audit, requestOf } from "../platform/audit.ts";
import { safePath } from "../platform/context.ts";
import { notFound, Refusal } from "../platform/errors.ts";
import { parseForm } from "../platform/forms.ts";
import { linkTo } from "../platform/one-time-links.ts";
import { holdPage } from "../users/page-leases.ts";
import {
  listUsers,
  makeInvitation,
  makeReset,
  removeTwoStep,
  revokeSessions,
  setDisabled,
  withdrawInvitation,
  withdrawReset,
} from "./administration.ts";
import { type Link, renderAdministration, USERS_PAGE } from "./administration.view.ts";

const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const query = z.object({ q: z.string().max(200).default(""), after: z.string().max(200).default("") });
const text = z.string().max(2000);
const back = z.object({ next: text.optional() });
const disabling = z.object({ disabled: z.enum(["true", "false"]), next: text.optional() });
const invitation = z.object({ note: text.default("") });

/** The administrator's page; for everybody else, and for nobody, there is nothing here. */
export const administrationRoutes = Router();

administrationRoutes.get("/admin", (request, response) => showPage(request, response, null));

administrationRoutes.post("/admin/users/:userId/disabling", async (request, response) => {
  const actor = visitorOf(response);
  const userId = idOf(request.params.userId);
  const { disabled, next } = parseForm(disabling, request);
  await setDisabled(actor, userId, disabled === "true");
  note(request, disabled === "true" ? "user_disabled" : "user_enabled", userId);
  response.redirect(303, safePath(next ?? "/admin"));
});

administrationRoutes.post("/admin/users/:userId/revocation", async (request, response) => {
  const actor = visitorOf(response);
  const userId = idOf(request.params.userId);
  const { next } = parseForm(back, request);
  await revokeSessions(actor, userId);
  note(request, "sessions_revoked", userId);
  response.redirect(303, safePath(next ?? "/admin"));
});

administrationRoutes.post("/admin/users/:userId/reset", async (request, response) => {
  const actor = visitorOf(response);
  const userId = idOf(request.params.userId);
  const { token, ...made } = await makeReset(actor, userId);
  note(request, "reset_link_made", userId);
  await showPage(request, response, { ...made, kind: "reset", address: linkTo(request, `/reset/${token}`) });
});

administrationRoutes.post("/admin/users/:userId/reset/withdrawal", async (request, response) => {
  const actor = visitorOf(response);
  const userId = idOf(request.params.userId);
  const { next } = parseForm(back, request);
  await withdrawReset(actor, userId);
  note(request, "reset_link_withdrawn", userId);
  response.redirect(303, safePath(next ?? "/admin"));
});

administrationRoutes.post("/admin/users/:userId/two-step/deletion", async (request, response) => {
  const actor = visitorOf(response);
  const userId = idOf(request.params.userId);
  const { next } = parseForm(back, request);
  await removeTwoStep(actor, userId);
  note(request, "two_step_removed", userId);
  response.redirect(303, safePath(next ?? "/admin"));
});

administrationRoutes.post("/admin/invitations", async (request, response) => {
  const actor = visitorOf(response);
  const { note: about } = parseForm(invitation, request);
  const { token, ...made } = await makeInvitation(actor, about);
  note(request, "invitation_made");
  await showPage(request, response, {
    ...{ ...made, kind: "invitation", username: "" },
    address: linkTo(request, `/invitation/${token}`),
  });
});

administrationRoutes.post("/admin/invitations/:id/withdrawal", async (request, response) => {
  const actor = visitorOf(response);
  await withdrawInvitation(actor, idOf(request.params.id));
  note(request, "invitation_withdrawn");
  response.redirect(303, "/admin");
});

/** Whoever asks; nobody is told what a stranger is told. */
export function visitorOf(response: Response): { userId: number } {
  if (!response.locals.viewer) throw notFound();
  return { userId: response.locals.viewer.id };
}

/** With a link that was just made: it is shown this once. */
async function showPage(request: Request, response: Response, link: Link | null): Promise<void> {
  const actor = visitorOf(response);
  const wanted = query.safeParse(link ? {} : request.query);
  if (!wanted.success) throw new Refusal("invalid", "errors.400.message");
  const page = await listUsers(actor, { ...wanted.data, limit: USERS_PAGE });
  holdPage(actor.userId, response.locals.pageId);
  if (link) response.status(201);
  renderAdministration(response, page, wanted.data.q, link);
}

/** Whom it concerns, and that the administrator did it. */
export function note(request: Request, event: AuditEvent, userId?: number): void {
  const { userId: actorId, ...asked } = requestOf(request);
  audit(event, { ...asked, actorId, userId });
}

export function idOf(given: unknown): number {
  const parsed = id.safeParse(given);
  if (!parsed.success) throw notFound();
  return parsed.data;
}
