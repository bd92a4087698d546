import { type Response, Router } from "express";
import { z } from "zod";
import { proverOf } from "../auth/guesses.ts";
import { audit, requestOf } from "../platform/audit.ts";
import { viewerOf } from "../platform/context.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { beginSession, leave } from "../sessions/browser-session.ts";
import { isTwoStepOn } from "../two-step/two-step.ts";
import { holdPage } from "../users/page-leases.ts";
import { changePassword, deleteAccount } from "./accounts.ts";

const typed = z.string().default("");
const passwords = z.object({ currentPassword: typed, newPassword: typed, code: typed });
const confirmation = z.object({ password: typed, code: typed });

const PASSWORD: FormPage = {
  ...{ view: "accounts/password", path: "/password", title: "password.heading" },
  fields: {
    ...{ "auth.error.wrongPassword": "currentPassword", "auth.error.password": "newPassword" },
    "auth.error.code": "code",
  },
  refused: "password_change_failed",
};
const DELETION: FormPage = {
  ...{ view: "accounts/deletion", path: "/account/deletion", title: "deletion.heading" },
  fields: { "auth.error.wrongPassword": "password", "auth.error.code": "code" },
  refused: "account_deletion_failed",
};

/** What people do with their account: another password, and leaving for good. */
export const accountsRoutes = Router();

accountsRoutes.get(PASSWORD.path, (_request, response) => show(response, PASSWORD));
accountsRoutes.get(DELETION.path, (_request, response) => show(response, DELETION));

accountsRoutes.post(PASSWORD.path, async (request, response) => {
  const actor = proverOf(request, response);
  const { currentPassword: current, newPassword: chosen, code } = parseForm(passwords, request);
  const change = async () => {
    await beginSession(request, await changePassword(actor, { current, chosen, code }));
    audit("password_changed", requestOf(request));
    response.redirect(303, "/sessions");
  };
  await orShowAgain(request, response, PASSWORD, change, () => contextOf(response));
});

accountsRoutes.post(DELETION.path, async (request, response) => {
  const actor = proverOf(request, response);
  const proof = parseForm(confirmation, request);
  const erase = async () => {
    await deleteAccount(actor, proof);
    audit("account_deleted", requestOf(request));
    await leave(request, response);
    response.redirect(303, "/login");
  };
  await orShowAgain(request, response, DELETION, erase, () => contextOf(response));
});

async function show(response: Response, page: FormPage): Promise<void> {
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, page, await contextOf(response));
}

/** Whether the form asks for a code as well. */
async function contextOf(response: Response) {
  return { takesCode: await isTwoStepOn(viewerOf(response).id) };
}
