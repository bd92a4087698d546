import { find, t } from "../page.ts";
import { onNews } from "../realtime.ts";
import { isHere, otherId } from "../timeline.ts";

const GONE_MS = 5000;

/** Shows that the other person is writing; gone 5 s after the last key, or when the message comes. */
export function startTyping(): void {
  const place = find("[data-typing]", HTMLElement);
  const name = place?.dataset.name ?? "";
  if (!place) return;
  let timer: number | undefined;
  const showTyping = (isTyping: boolean) => {
    clearTimeout(timer);
    place.textContent = isTyping ? t("typing", { name }) : "";
    if (isTyping) timer = window.setTimeout(() => showTyping(false), GONE_MS);
  };
  onNews("typing", ({ userId, typing }) => userId === otherId && showTyping(typing));
  onNews("receiveMessage", (message) => message.senderId === otherId && isHere(message) && showTyping(false));
}
