import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { proverOf } from "../auth/guesses.ts";
import { type FormPage, orShowAgain, parseForm, showForm } from "../platform/forms.ts";
import { isTwoStepOn } from "../two-step/two-step.ts";
import { holdPage } from "../users/page-leases.ts";
import { idOf, note, visitorOf } from "./administration.routes.ts";
import { findHeir, handOver } from "./handover.ts";

const PATH = "/admin/users/:userId/handover";
const typed = z.string().default("");
const proof = z.object({ password: typed, code: typed });

/** How the administration goes to somebody else. */
export const handoverRoutes = Router();

handoverRoutes.get(PATH, async (request, response) => {
  const context = await contextOf(request, response);
  holdPage(visitorOf(response).userId, response.locals.pageId);
  showForm(response, pageOf(request), context);
});

handoverRoutes.post(PATH, async (request, response) => {
  visitorOf(response);
  const userId = idOf(request.params.userId);
  const given = parseForm(proof, request);
  const hand = async () => {
    await handOver(proverOf(request, response), userId, given);
    note(request, "administration_handed_over", userId);
    response.redirect(303, "/settings");
  };
  await orShowAgain(request, response, pageOf(request), hand, () => contextOf(request, response));
});

/** To whom, and whether the form asks for a code as well. */
async function contextOf(request: Request, response: Response) {
  const actor = visitorOf(response);
  const { username } = await findHeir(actor, idOf(request.params.userId));
  return { username, takesCode: await isTwoStepOn(actor.userId) };
}

function pageOf(request: Request): FormPage {
  return {
    ...{ view: "administration/handover", title: "admin.handOver" },
    path: `/admin/users/${idOf(request.params.userId)}/handover`,
    fields: { "auth.error.wrongPassword": "password", "auth.error.code": "code" },
    refused: "handover_failed",
  };
}
