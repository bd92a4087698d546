import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { answer, type Showing } from "../platform/answers.ts";
import { actorOf, clockOf, viewerOf } from "../platform/context.ts";
import { wantsJson } from "../platform/error-pages.ts";
import { Refusal } from "../platform/errors.ts";
import { renderPage } from "../platform/views.ts";
import { holdPage } from "../users/page-leases.ts";
import {
  listPeople,
  type PeoplePage,
  type PeopleQuery,
  spendSearch,
  topicsOf,
  unreadTitleOf,
} from "./people.ts";
import { PEOPLE_PAGE, peopleContext, personWithHtml } from "./people.view.ts";

const query = z.object({ q: z.string().max(200).default(""), after: z.string().max(1000).optional() });

/** The list of people. */
export const peopleRoutes = Router();

peopleRoutes.get("/", async (request, response) => {
  const viewer = viewerOf(response);
  const wanted = parsePeopleQuery(request);
  await spendSearch(actorOf(response), wanted);
  if (!wantsJson(request)) holdPage(viewer.id, response.locals.pageId);
  await answer(request, response, async (showing) => {
    const page = await listPeople(actorOf(response), wanted);
    const content = wantsJson(request)
      ? {
          rows: page.rows.map((row) => personWithHtml(row, viewer.id, clockOf(response))),
          next: page.next,
        }
      : await renderHome(response, wanted, page, showing);
    return { content, topics: topicsOf(viewer.id, page) };
  });
});

async function renderHome(response: Response, wanted: PeopleQuery, page: PeoplePage, { pageId }: Showing) {
  return renderPage(response, "home", {
    people: peopleContext(response, wanted, page, { h1: true }),
    unreadTitle: await unreadTitleOf(actorOf(response)),
    seenImage: "/seen.gif",
    pageId,
  });
}

/** The `q` and `after` of an address. @throws Refusal `invalid` */
function parsePeopleQuery(request: Request): PeopleQuery {
  const parsed = query.safeParse(request.query);
  if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
  return { q: parsed.data.q, after: parsed.data.after ?? null, limit: PEOPLE_PAGE };
}
