import { type Request, Router } from "express";
import { z } from "zod";
import { actorOf, clockOf, viewerOf } from "../platform/context.ts";
import { wantsJson } from "../platform/error-pages.ts";
import { Refusal } from "../platform/errors.ts";
import { holdPage } from "../users/page-leases.ts";
import { listPeople, type PeopleQuery, unreadTitleOf } from "./people.ts";
import { PEOPLE_PAGE, peopleContext, personWithHtml } from "./people.view.ts";

const query = z.object({ q: z.string().max(200).default(""), after: z.string().max(1000).optional() });

/** The list of people. */
export const peopleRoutes = Router();

peopleRoutes.get("/", async (request, response) => {
  const viewer = viewerOf(response);
  const wanted = parsePeopleQuery(request);
  const page = await listPeople(actorOf(response), wanted);
  if (wantsJson(request)) {
    const rows = page.rows.map((row) => personWithHtml(row, viewer.id, clockOf(response)));
    response.set("Cache-Control", "no-store").json({ rows, next: page.next });
    return;
  }
  holdPage(viewer.id, response.locals.pageId);
  response.set("Cache-Control", "no-store");
  response.render("home", {
    people: peopleContext(response, wanted, page, { h1: true }),
    unreadTitle: await unreadTitleOf(actorOf(response)),
    seenImage: "/seen.gif",
  });
});

/** The `q` and `after` of an address. @throws Refusal `invalid` */
function parsePeopleQuery(request: Request): PeopleQuery {
  const parsed = query.safeParse(request.query);
  if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
  return { q: parsed.data.q, after: parsed.data.after ?? null, limit: PEOPLE_PAGE };
}
