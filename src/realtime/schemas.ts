import { z } from "zod";
import type { Target } from "../conversations/conversations.ts";

/** What clients may send: everything is parsed by one of these before the domain sees it. */

const id = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const TEXT_MAX = 65_536;
const PAGE_MAX = 200;

const targetFields = { userId: id.optional(), receiverId: id.optional(), conversationId: id.optional() };

/** Exactly one of the three ways to name a conversation. One object, not two that are joined: it is half as dear. */
function toTarget<Fields extends z.infer<z.ZodObject<typeof targetFields>>>(
  fields: Fields,
  context: z.RefinementCtx,
): Omit<Fields, keyof typeof targetFields> & { target: Target } {
  const { userId, receiverId, conversationId, ...rest } = fields;
  const given = [userId, receiverId, conversationId].filter((each) => each !== undefined);
  const person = receiverId ?? userId;
  if (given.length !== 1) {
    context.addIssue({ code: "custom", message: "name one of receiverId, userId, conversationId" });
    return z.NEVER;
  }
  const target = person === undefined ? { conversationId: conversationId ?? 0 } : { userId: person };
  return { ...rest, target };
}

export const sendSchema = z
  .object({ ...targetFields, message: z.string().max(TEXT_MAX), clientId: z.uuid() })
  .transform(toTarget);

export const messagesSchema = z
  .object({
    ...targetFields,
    afterRev: count.optional(),
    beforeSeq: id.optional(),
    aroundSeq: id.optional(),
    limit: z.number().int().min(1).max(PAGE_MAX).default(50),
  })
  .transform(toTarget);

export const conversationsSchema = z.object({
  after: z.string().max(1000).optional(),
  limit: z.number().int().min(1).max(PAGE_MAX).default(20),
  userIds: z.array(id).max(PAGE_MAX).optional(),
  html: z.boolean().default(true),
});

const cursor = z.object({ ...targetFields, seq: count }).transform(toTarget);
export const receiptsSchema = z.union([
  z.object({ cursors: z.array(cursor).max(PAGE_MAX) }),
  cursor.transform((one) => ({ cursors: [one] })),
]);

export const typingSchema = z.object({ ...targetFields, typing: z.boolean() }).transform(toTarget);

export const watchSchema = z.object({ userIds: z.array(id).max(PAGE_MAX) });
