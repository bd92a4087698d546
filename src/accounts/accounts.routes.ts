import { type Response, Router } from "express";
import { z } from "zod";
import { audit, requestOf } from "../platform/audit.ts";
import { actorOf, viewerOf } from "../platform/context.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { beginSession, leave } from "../sessions/browser-session.ts";
import { holdPage } from "../users/page-leases.ts";
import { changePassword, deleteAccount } from "./accounts.ts";

const typed = z.string().default("");
const passwords = z.object({ currentPassword: typed, newPassword: typed });
const confirmation = z.object({ password: typed });

const PASSWORD: FormPage = {
  ...{ view: "accounts/password", path: "/password", title: "password.heading" },
  fields: { "auth.error.wrongPassword": "currentPassword", "auth.error.password": "newPassword" },
  refused: "password_change_failed",
};
const DELETION: FormPage = {
  ...{ view: "accounts/deletion", path: "/account/deletion", title: "deletion.heading" },
  fields: { "auth.error.wrongPassword": "password" },
  refused: "account_deletion_failed",
};

/** What people do with their account: another password, and leaving for good. */
export const accountsRoutes = Router();

accountsRoutes.get(PASSWORD.path, (_request, response) => show(response, PASSWORD));
accountsRoutes.get(DELETION.path, (_request, response) => show(response, DELETION));

accountsRoutes.post(PASSWORD.path, async (request, response) => {
  const actor = actorOf(response);
  const { currentPassword: current, newPassword: chosen } = parseForm(passwords, request);
  await orShowAgain(request, response, PASSWORD, async () => {
    await beginSession(request, await changePassword(actor, { current, chosen }));
    audit("password_changed", requestOf(request));
    response.redirect(303, "/sessions");
  });
});

accountsRoutes.post(DELETION.path, async (request, response) => {
  const actor = actorOf(response);
  const { password } = parseForm(confirmation, request);
  await orShowAgain(request, response, DELETION, async () => {
    await deleteAccount(actor, password);
    audit("account_deleted", requestOf(request));
    await leave(request, response);
    response.redirect(303, "/login");
  });
});

function show(response: Response, page: FormPage): void {
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, page);
}
