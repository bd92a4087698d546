import { randomUUID } from "node:crypto";
import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { answer } from "../platform/answers.ts";
import { actorOf, sentenceOf, viewerOf } from "../platform/context.ts";
import { refusalOf, setRefused, wantsJson } from "../platform/error-pages.ts";
import { notFound, Refusal } from "../platform/errors.ts";
import { holdNoScriptPage, holdPage } from "../users/page-leases.ts";
import { isOwnImage, sendDot } from "../users/seen.routes.ts";
import { chatPage } from "./chat.view.ts";
import { getMessages, type Part, sendMessage } from "./messages.ts";
import { pageAsJson } from "./messages.view.ts";
import { moveCursor } from "./receipts.ts";
import { MESSAGES_PAGE, topicsOf } from "./talk.view.ts";

const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const part = z.object({ before: id.optional(), around: id.optional(), afterRev: number.optional() });
const TEXT_BYTES_MAX = 65_536;
const send = z.object({
  message: z.string().max(TEXT_BYTES_MAX).default(""),
  // Whoever leaves it out has no second try: the same text sent again is then another message.
  clientId: z.uuid().optional(),
});

/** The conversation with one person. */
export const messagesRoutes = Router();

messagesRoutes.get("/chat/:userId", async (request, response) => {
  await showPage(request, response, { newest: true });
});

messagesRoutes.get("/chat/:userId/messages", async (request, response) => {
  await showPage(request, response, parsePart(request));
});

messagesRoutes.post("/chat/:userId/messages", async (request, response) => {
  const actor = actorOf(response);
  const userId = personOf(request);
  const parsed = send.safeParse(request.body);
  if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
  const { message: text, clientId = randomUUID() } = parsed.data;
  try {
    const message = await sendMessage(actor, { target: { userId }, message: text, clientId });
    if (wantsJson(request)) response.status(201).json({ message });
    else response.redirect(303, `/chat/${userId}`);
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal || refusal.code === "not_found" || wantsJson(request)) throw error;
    await offerAgain(response, userId, { text, clientId }, refusal);
  }
});

/** Asked for by pages without scripts once they are shown: pages themselves are also prefetched. */
messagesRoutes.get("/chat/:userId/messages/:seq/seen.gif", async (request, response) => {
  const viewer = viewerOf(response);
  const seq = number.safeParse(request.params.seq);
  if (!seq.success || !isOwnImage(request)) throw notFound();
  holdNoScriptPage(viewer.id);
  await moveCursor(actorOf(response), { target: { userId: personOf(request) }, seq: seq.data, kind: "read" });
  sendDot(response);
});

async function showPage(request: Request, response: Response, wanted: Part): Promise<void> {
  const viewer = viewerOf(response);
  const userId = personOf(request);
  const isPage = !wantsJson(request);
  if (isPage) holdPage(viewer.id, response.locals.pageId);
  await answer(request, response, async ({ pageId, clientId }) => {
    if (isPage) {
      const draft = { message: "", clientId };
      return chatPage(response, { userId, part: wanted }, draft, pageId);
    }
    const page = await getMessages(actorOf(response), { userId }, wanted, MESSAGES_PAGE);
    return { content: pageAsJson(page), topics: topicsOf(page, viewer.id) };
  });
}

/**
 * The page once more with what could not be sent: under the same id, so that pressing Send again stores it
 * once; under a new one where the old id already stands for another text.
 */
async function offerAgain(
  response: Response,
  userId: number,
  { text, clientId }: { text: string; clientId: string },
  refusal: Refusal,
): Promise<void> {
  const draft = { message: text, clientId: refusal.code === "conflict" ? randomUUID() : clientId };
  const refused = { ...draft, error: sentenceOf(response, refusal) };
  const { content } = await chatPage(
    response,
    { userId, part: { newest: true } },
    refused,
    response.locals.pageId,
  );
  setRefused(response, refusal.status, refusal.retryAfterS);
  response.type("html").send(content);
}

function personOf(request: Request): number {
  const parsed = id.safeParse(request.params.userId);
  if (!parsed.success) throw notFound();
  return parsed.data;
}

function parsePart(request: Request): Part {
  const parsed = part.safeParse(request.query);
  if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
  const { before, around, afterRev } = parsed.data;
  if (before !== undefined) return { beforeSeq: before };
  if (around !== undefined) return { aroundSeq: around };
  return afterRev === undefined ? { newest: true } : { afterRev };
}
