import { type Request, Router } from "express";
import { z } from "zod";
import { audit, requestOf } from "../platform/audit.ts";
import { safePath } from "../platform/context.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { beginSession } from "../sessions/browser-session.ts";
import { useCode } from "../two-step/two-step.ts";
import { pendingProverOf, rememberDevice } from "./guesses.ts";

const form = z.object({ code: z.string().default("") });

const PAGE: FormPage = {
  ...{ view: "auth/code", path: "/login/code", title: "twoStep.heading" },
  fields: { "auth.error.code": "code" },
  refused: "two_step_failed",
};

/** The second step of a login: the password was right, and until the code is nobody is signed in. */
export const secondStepRoutes = Router();

secondStepRoutes.get(PAGE.path, (request, response) => {
  if (pendingOf(request)) showForm(response, PAGE, { seenImage: null });
  else response.redirect(303, "/login");
});

secondStepRoutes.post(PAGE.path, async (request, response) => {
  const pending = pendingOf(request);
  if (!pending) return response.redirect(303, "/login");
  const { code } = parseForm(form, request);
  const { userId, authVersion, nameKey, next } = pending;
  const enter = async () => {
    const used = await useCode(pendingProverOf(request, pending), code);
    await beginSession(request, { userId, authVersion });
    rememberDevice(response, nameKey);
    if (used === "recovery code") audit("recovery_code_used", { ...requestOf(request), userId });
    audit("login", { ...requestOf(request), userId });
    response.redirect(303, safePath(next));
  };
  await orShowAgain(request, response, { ...PAGE, userId }, enter, async () => ({ seenImage: null }));
});

/** Who gave the right password a moment ago in this browser, and is not signed in. */
function pendingOf({ session }: Request) {
  return session.userId === undefined && session.pending && session.pending.until > Date.now()
    ? session.pending
    : null;
}
