import type { z } from "zod";
import { countUnread } from "../conversations/conversations.queries.ts";
import { type Actor, findConversationFor, type Target } from "../conversations/conversations.ts";
import { listPeople, peopleByIds } from "../conversations/people.ts";
import { personWithHtml } from "../conversations/people.view.ts";
import { getMessages, type Part, sendMessage } from "../messages/messages.ts";
import { pageAsJson } from "../messages/messages.view.ts";
import { moveCursor, type Receipt } from "../messages/receipts.ts";
import { addressOf } from "../platform/addresses.ts";
import { auditDenial } from "../platform/denials.ts";
import { isDraining } from "../platform/draining.ts";
import { refusalOf, retryAfter } from "../platform/error-pages.ts";
import { Refusal, unauthorized } from "../platform/errors.ts";
import { refusalText } from "../platform/i18n.ts";
import { log } from "../platform/log.ts";
import { findOnline } from "../users/presence.ts";
import { findLastSeen } from "../users/users.queries.ts";
import { countUse } from "./expiry.ts";
import { refuseFlood } from "./floods.ts";
import { presenceOf, publishTyping, watchRoom } from "./publish.ts";
import {
  conversationsSchema,
  messagesSchema,
  receiptsSchema,
  sendSchema,
  typingSchema,
  watchSchema,
} from "./schemas.ts";
import type { ChatSocket } from "./sockets.ts";

type Handle = (socket: ChatSocket, value: unknown) => Promise<object>;

/** What each event does, once for all sockets: a function of its own would cost each of them its memory. */
const handlers = new Map<string, Handle>();

/** Parse, one call of the domain, acknowledge. */
function on<Input>(
  event: string,
  schema: z.ZodType<Input>,
  handle: (socket: ChatSocket, input: Input) => Promise<object>,
): void {
  handlers.set(event, (socket, value) => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw new Refusal("invalid", "errors.400.message");
    return handle(socket, parsed.data);
  });
}

on("sendMessage", sendSchema, async (socket, send) => {
  // Otherwise those who go on sending could keep a stop waiting; their pages try again, at another node.
  if (isDraining()) throw new Refusal("unavailable", "chat.error.unavailable");
  return { message: await sendMessage(actorOf(socket), send) };
});

on("getMessages", messagesSchema, async (socket, wanted) =>
  pageAsJson(await getMessages(actorOf(socket), wanted.target, partOf(wanted), wanted.limit)),
);

on("getConversations", conversationsSchema, async (socket, { after, limit, userIds, html }) => {
  const actor = actorOf(socket);
  const clock = { locale: socket.data.locale, timeZone: "UTC" };
  const page = userIds
    ? { rows: await peopleByIds(actor, userIds), next: null }
    : await listPeople(actor, { q: "", after: after ?? null, limit });
  const rows = html ? page.rows.map((row) => personWithHtml(row, actor.userId, clock)) : page.rows;
  return { rows, next: page.next, unreadConversations: await countUnread(actor.userId, UNREAD_MAX) };
});

on("deliverMessages", receiptsSchema, (socket, { cursors }) =>
  moveAll(actorOf(socket), cursors, "delivered"),
);
on("readMessages", receiptsSchema, (socket, { cursors }) => moveAll(actorOf(socket), cursors, "read"));

// One after the other: "writes" and "writes no more" may come together, and must not overtake each other.
const told = new WeakMap<ChatSocket, Promise<unknown>>();
on("typing", typingSchema, (socket, { target, typing }) => {
  const before = told.get(socket) ?? Promise.resolve();
  const telling = before.then(() => tellTyping(actorOf(socket), target, typing));
  told.set(
    socket,
    telling.catch(() => undefined),
  );
  return telling;
});

on("watchUsers", watchSchema, async (socket, { userIds }) => {
  const watched = [...socket.rooms].filter((room) => room.startsWith("watch:"));
  const wanted = userIds.map(watchRoom);
  for (const room of watched.filter((each) => !wanted.includes(each))) await socket.leave(room);
  // Joined before looking, so that a change in between is told rather than missed.
  await socket.join(wanted);
  const [changes, lastSeen] = await Promise.all([findOnline(userIds), findLastSeen(userIds)]);
  const known = changes.filter(({ userId }) => lastSeen.has(userId));
  return { users: known.map((change) => seenPresence(change, lastSeen.get(change.userId) ?? null)) };
});

/** The events that are answered. */
export const events: Iterable<string> = handlers.keys();

const actorOf = ({ data }: ChatSocket): Actor => ({ userId: data.userId });

const UNREAD_MAX = 100;

/** Somebody who was never seen has no time of having been. */
function seenPresence(change: Parameters<typeof presenceOf>[0], lastSeenAt: Date | null) {
  return {
    ...presenceOf(change, lastSeenAt),
    lastSeenAt: change.online ? null : (lastSeenAt?.toISOString() ?? null),
  };
}

function partOf({ afterRev, beforeSeq, aroundSeq }: z.infer<typeof messagesSchema>): Part {
  if (afterRev !== undefined) return { afterRev };
  if (beforeSeq !== undefined) return { beforeSeq };
  return aroundSeq === undefined ? { newest: true } : { aroundSeq };
}

async function moveAll(actor: Actor, cursors: Omit<Receipt, "kind">[], kind: Receipt["kind"]) {
  const standings = await Promise.all(cursors.map((cursor) => moveCursor(actor, { ...cursor, kind })));
  return { cursors: standings.filter((standing) => standing !== null) };
}

async function tellTyping(actor: Actor, target: Target, typing: boolean): Promise<object> {
  const conversation = await findConversationFor(actor, target);
  publishTyping({ conversationId: conversation.id, userId: actor.userId, typing }, conversation.userId);
  return {};
}

type Answer = (answer: object) => void;

/**
 * Answers what a socket sends, so that nothing in it can do more than be refused: whatever the arguments, a
 * handler sees a parsed object or nothing, and whatever it throws becomes an acknowledgement.
 */
export function listen(socket: ChatSocket, accepted: Promise<boolean>): void {
  socket.onAny((event: string, ...values: unknown[]) => {
    const last = values.at(-1);
    void dispatch(socket, accepted, event, values[0], isFunction(last) ? last : nobody);
  });
}

const nobody: Answer = () => undefined;

async function dispatch(
  socket: ChatSocket,
  accepted: Promise<boolean>,
  event: string,
  value: unknown,
  answer: Answer,
): Promise<void> {
  try {
    refuseFlood(socket.conn);
    const handle = handlers.get(event);
    if (!handle) return;
    if (!(await accepted)) throw unauthorized();
    countUse(socket, event);
    answer({ ok: true, ...(await handle(socket, value)) });
  } catch (error) {
    const failure = failureOf(error, socket.data.locale);
    if (DENIALS.has(failure.code)) auditRefused(socket, event, failure.code);
    answer({ ok: false, error: failure });
  }
}

/** What was asked for by somebody to whom it does not belong, or who is nobody any more. */
const DENIALS = new Set(["not_found", "unauthorized"]);

function auditRefused({ request, data }: ChatSocket, socketEvent: string, reason: string): void {
  auditDenial("denied", { userId: data.userId, address: addressOf(request), socketEvent, reason });
}

function isFunction(value: unknown): value is Answer {
  return typeof value === "function";
}

/** What an event is answered that failed. */
function failureOf(error: unknown, locale: string) {
  const refusal = refusalOf(error);
  if (!refusal) log.error({ error: error instanceof Error ? error.stack : String(error) }, "an event failed");
  // After a fault of ours nobody can say what was stored: trying the same again is right, and safe.
  const told = refusal ?? new Refusal("unknown", "errors.500.message");
  return { code: told.code, message: refusalText(locale, told), ...retryAfter(told) };
}
