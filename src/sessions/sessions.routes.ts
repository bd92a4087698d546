import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { proverOf } from "../auth/guesses.ts";
import { audit, requestOf } from "../platform/audit.ts";
import { clockOf, viewerOf } from "../platform/context.ts";
import { notFound } from "../platform/errors.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { holdPage } from "../users/page-leases.ts";
import { beginSession } from "./browser-session.ts";
import {
  type ActiveSession,
  findSession,
  listSessions,
  revokeAllSessions,
  revokeSession,
  type SessionActor,
} from "./sessions.ts";
import { sessionContext, sessionsContext } from "./sessions.view.ts";

const id = z.string().regex(/^[\w-]{22}$/);
const confirmation = z.object({ password: z.string().default("") });

/** Where somebody is logged in, and ending that. */
export const sessionsRoutes = Router();

sessionsRoutes.get("/sessions", async (request, response) => {
  const sessions = await listSessions(actorOf(request, response));
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, LIST, sessionsContext(response, sessions));
});

sessionsRoutes.get("/sessions/others/revocation", (_request, response) => {
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, revocation("others"));
});

sessionsRoutes.post("/sessions/others/revocation", async (request, response) => {
  const actor = actorOf(request, response);
  const { password } = parseForm(confirmation, request);
  await orShowAgain(request, response, revocation("others"), async () => {
    const { createdAt } = request.session;
    // The login of this browser is as old as it was.
    await beginSession(request, await revokeAllSessions(actor, password), createdAt);
    audit("sessions_revoked", requestOf(request));
    response.redirect(303, "/sessions");
  });
});

sessionsRoutes.get("/sessions/:id/revocation", async (request, response) => {
  const session = await findSession(actorOf(request, response), idOf(request));
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, revocation(session.id), one(response, session));
});

sessionsRoutes.post("/sessions/:id/revocation", async (request, response) => {
  const actor = actorOf(request, response);
  const { password } = parseForm(confirmation, request);
  const session = await findSession(actor, idOf(request));
  const page = revocation(session.id);
  const revoke = async () => {
    await revokeSession(actor, { id: session.id, password });
    audit("session_revoked", requestOf(request));
    response.redirect(303, "/sessions");
  };
  await orShowAgain(request, response, page, revoke, async () => one(response, session));
});

const LIST: FormPage = {
  ...{ view: "sessions/list", path: "/sessions", title: "sessions.heading", fields: {} },
  refused: "session_revocation_failed",
};

function revocation(which: string): FormPage {
  return {
    ...{ view: "sessions/revocation", path: `/sessions/${which}/revocation` },
    refused: "session_revocation_failed",
    title: which === "others" ? "sessions.endOthers" : "sessions.end",
    fields: { "auth.error.wrongPassword": "password" },
  };
}

const one = (response: Response, session: ActiveSession) => ({
  session: sessionContext(session, clockOf(response)),
});

function actorOf(request: Request, response: Response): SessionActor {
  const { authVersion } = viewerOf(response);
  return { ...proverOf(request, response), authVersion, sid: request.sessionID };
}

function idOf(request: Request): string {
  const parsed = id.safeParse(request.params.id);
  if (!parsed.success) throw notFound();
  return parsed.data;
}
