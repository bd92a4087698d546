import { type Response, Router } from "express";
import { z } from "zod";
import { proverOf } from "../auth/guesses.ts";
import { audit, requestOf } from "../platform/audit.ts";
import { actorOf, viewerOf } from "../platform/context.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { holdPage } from "../users/page-leases.ts";
import { beginTwoStep, confirmTwoStep, endTwoStep, renewRecoveryCodes, standingOf } from "./two-step.ts";
import { twoStepContext } from "./two-step.view.ts";

const typed = z.string().default("");
const confirmation = z.object({ code: typed });
const proof = z.object({ password: typed, code: typed });

const PAGE: FormPage = {
  ...{ view: "two-step/page", path: "/two-step", title: "twoStep.heading" },
  fields: { "auth.error.wrongPassword": "password", "auth.error.code": "code" },
  refused: "two_step_failed",
};
const RENEWAL: FormPage = { ...PAGE, view: "two-step/renewal", path: "/two-step/recovery-codes" };
const DELETION: FormPage = { ...PAGE, view: "two-step/deletion", path: "/two-step/deletion" };

/** Setting up the second step of the login, and turning it off. */
export const twoStepRoutes = Router();

twoStepRoutes.get(PAGE.path, async (_request, response) => {
  const context = await contextOf(response);
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, PAGE, context);
});
twoStepRoutes.get(RENEWAL.path, (_request, response) => show(response, RENEWAL));
twoStepRoutes.get(DELETION.path, (_request, response) => show(response, DELETION));

twoStepRoutes.post(PAGE.path, async (request, response) => {
  const actor = proverOf(request, response);
  const { password } = parseForm(proof, request);
  const begin = async () => {
    await beginTwoStep(actor, password);
    response.redirect(303, PAGE.path);
  };
  await orShowAgain(request, response, PAGE, begin, () => contextOf(response));
});

twoStepRoutes.post("/two-step/confirmation", async (request, response) => {
  const actor = proverOf(request, response);
  const { code } = parseForm(confirmation, request);
  const turnOn = async () => {
    const codes = await confirmTwoStep(actor, code);
    audit("two_step_enabled", requestOf(request));
    showCodes(response, codes);
  };
  await orShowAgain(request, response, PAGE, turnOn, () => contextOf(response));
});

twoStepRoutes.post(RENEWAL.path, async (request, response) => {
  const actor = proverOf(request, response);
  const given = parseForm(proof, request);
  await orShowAgain(request, response, RENEWAL, async () => {
    const codes = await renewRecoveryCodes(actor, given);
    audit("recovery_codes_made", requestOf(request));
    showCodes(response, codes);
  });
});

twoStepRoutes.post(DELETION.path, async (request, response) => {
  const actor = proverOf(request, response);
  const given = parseForm(proof, request);
  await orShowAgain(request, response, DELETION, async () => {
    await endTwoStep(actor, given);
    audit("two_step_disabled", requestOf(request));
    response.redirect(303, PAGE.path);
  });
});

async function contextOf(response: Response) {
  return twoStepContext(await standingOf(actorOf(response)), viewerOf(response).username);
}

function show(response: Response, page: FormPage): void {
  holdPage(viewerOf(response).id, response.locals.pageId);
  showForm(response, page);
}

/** In the answer to the form itself: nothing keeps the codes for a page of their own. */
function showCodes(response: Response, codes: string[]): void {
  showForm(response, { ...PAGE, view: "two-step/codes" }, { codes });
}
