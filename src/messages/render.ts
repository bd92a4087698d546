import { log } from "../platform/log.ts";
import { renderPartial } from "../platform/views.ts";
import type { Message } from "./message.ts";
import { renderMessageText } from "./message-text.ts";

/** A message's markup that knows nothing of its viewer: scripts add side, state and local time. */
export function renderMessage(message: Message): string {
  return renderPartial("message", messageContext(message));
}

/** What `message.hbs` shows of any message, to anybody. */
export function messageContext(message: Message) {
  const { id, seq, rev, senderId, sender, clientId, timestamp, deletedAt } = message;
  return {
    ...{ id, seq, rev, senderId, sender, clientId, timestamp },
    deleted: deletedAt !== null,
    html: textHtml(message),
    time: timestamp.slice(11, 16),
  };
}

/** One message that cannot be rendered must not break the page of fifty. */
function textHtml({ id, message }: Message): string {
  try {
    return renderMessageText(message);
  } catch (error) {
    log.error({ messageId: id, reason: String(error) }, "a message could not be rendered");
    return "…";
  }
}
