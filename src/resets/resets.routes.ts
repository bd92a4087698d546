import { type Request, Router } from "express";
import { z } from "zod";
import { audit, requestOf } from "../platform/audit.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { findResetBy, resetPassword } from "./resets.ts";

const form = z.object({ newPassword: z.string().default("") });

/** A new password by a link that the administrator made. */
export const resetsRoutes = Router();

resetsRoutes.get("/reset/:token", async (request, response) => {
  const { username } = await findResetBy(tokenOf(request));
  showForm(response, pageOf(request), { username });
});

resetsRoutes.post("/reset/:token", async (request, response) => {
  const token = tokenOf(request);
  const { newPassword } = parseForm(form, request);
  const again = async () => ({ username: (await findResetBy(token)).username });
  await orShowAgain(
    request,
    response,
    pageOf(request),
    async () => {
      const { userId } = await resetPassword(token, newPassword);
      audit("password_reset", { ...requestOf(request), userId });
      response.redirect(303, "/login");
    },
    again,
  );
});

function pageOf(request: Request): FormPage {
  return {
    ...{ view: "resets/reset", path: `/reset/${tokenOf(request)}`, title: "reset.heading" },
    fields: { "auth.error.password": "newPassword" },
    refused: "password_change_failed",
  };
}

function tokenOf(request: Request): string {
  return String(request.params.token ?? "").slice(0, 100);
}
