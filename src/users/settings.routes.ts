import { type Response, Router } from "express";
import { z } from "zod";
import { isAdministrator } from "../administration/administration.queries.ts";
import { accountOf, changed, viewOf } from "../platform/changes.ts";
import { rememberChoice, safePath, viewerOf } from "../platform/context.ts";
import { parseForm } from "../platform/forms.ts";
import { isLocale, translate } from "../platform/i18n.ts";
import { parseTimeZone, timeZones } from "../platform/times.ts";
import { holdPage } from "./page-leases.ts";
import { type Preference, updatePreference } from "./users.queries.ts";

const text = z.string().max(2000);
const theme = z.object({ theme: z.enum(["", "dark", "light"]), next: text.optional() });
const locale = z.object({ locale: text.refine(isLocale), next: text.optional() });
const timeZone = z.object({ timeZone: text, next: text.optional() });

/** How a person wants their pages: language, theme, time zone. The first two are for anybody. */
export const settingsRoutes = Router();

settingsRoutes.get("/settings", async (_request, response) => {
  holdPage(viewerOf(response).id, response.locals.pageId);
  await showSettings(response, {});
});

settingsRoutes.post("/theme", async (request, response) => {
  const chosen = parseForm(theme, request);
  rememberChoice(response, "theme", chosen.theme);
  await remember(response, "theme", chosen.theme === "" ? null : chosen.theme);
  response.redirect(303, safePath(chosen.next));
});

settingsRoutes.post("/locale", async (request, response) => {
  const chosen = parseForm(locale, request);
  rememberChoice(response, "locale", chosen.locale);
  await remember(response, "locale", chosen.locale);
  response.redirect(303, safePath(chosen.next));
});

settingsRoutes.post("/time-zone", async (request, response) => {
  viewerOf(response);
  const chosen = parseForm(timeZone, request);
  const zone = parseTimeZone(chosen.timeZone);
  if (zone === null) {
    response.status(400);
    await showSettings(
      response,
      { timeZone: translate(response.locals.locale, "settings.error.timeZone") },
      chosen.timeZone,
    );
    return;
  }
  await remember(response, "timeZone", zone);
  response.redirect(303, safePath(chosen.next));
});

/** Kept with the account as well, so that it holds on the person's other devices. */
async function remember(response: Response, name: Preference, value: string | null): Promise<void> {
  const { viewer } = response.locals;
  if (viewer) {
    await updatePreference(viewer.id, name, value);
    changed([accountOf(viewer.id), viewOf(viewer.id)]);
  }
}

async function showSettings(
  response: Response,
  errors: { timeZone?: string },
  typed?: string,
): Promise<void> {
  response.locals.here = "/settings";
  response.set("Cache-Control", "no-store");
  const title = translate(response.locals.locale, "settings.heading");
  response.render("settings", {
    title,
    timeZones,
    timeZone: typed ?? response.locals.timeZone,
    errors,
    isAdministrator: await isAdministrator(viewerOf(response).id),
    seenImage: "/seen.gif",
  });
}
