import type { Page } from "./messages.ts";
import { renderMessage } from "./render.ts";

/** A page of messages as the protocol has it. */
export function pageAsJson({ conversation, messages, lastRev, more, newer }: Page) {
  const { id: conversationId, own, other } = conversation;
  const withHtml = messages.map((message) => ({ ...message, html: renderMessage(message) }));
  return { messages: withHtml, lastRev, more, newer, conversationId, own, other };
}
