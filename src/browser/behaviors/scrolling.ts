import { list, trimFirst } from "../message-list.ts";
import { find } from "../page.ts";
import { isLive, olderLink, onGrown, otherId, reachesNewest, showNewest } from "../timeline.ts";

/** Where the eye is: where a conversation opens, and staying at the end as messages come. */

const NEAR_PX = 120;
/** A tab that stays open for days keeps this many; what is older comes back by scrolling. */
const KEPT_MAX = 600;
const KEPT = 300;

export const scroller = find("[data-scroller]", HTMLElement);
const jump = find("[data-jump]", HTMLButtonElement);

/** True while the newest message is in view. */
export function isAtEnd(): boolean {
  if (!scroller || !reachesNewest()) return false;
  return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop < NEAR_PX;
}

function goToEnd(): void {
  if (scroller) scroller.scrollTop = scroller.scrollHeight;
}

export function startScrolling(): void {
  if (!scroller || !otherId) return;
  const linked = linkedMessage();
  if (linked) linked.scrollIntoView({ block: "center" });
  else goToEnd();
  let wasAtEnd = isAtEnd();
  scroller.addEventListener(
    "scroll",
    () => {
      wasAtEnd = isAtEnd();
      if (wasAtEnd && jump) jump.hidden = true;
    },
    { passive: true },
  );
  onGrown((own) => {
    if (own || wasAtEnd) void stayAtEnd();
    else if (jump) jump.hidden = false;
  });
  // The keyboard of a phone, or a growing composer, must not hide the newest message.
  new ResizeObserver(() => wasAtEnd && isLive && goToEnd()).observe(scroller);
  jump?.addEventListener("click", () => void stayAtEnd());
}

/** The message that the address names, as a fragment or as the middle of its page. */
function linkedMessage(): HTMLElement | null {
  const around = new URLSearchParams(location.search).get("around");
  return document.getElementById(location.hash.slice(1) || `m${around}`);
}

async function stayAtEnd(): Promise<void> {
  if (!reachesNewest()) await showNewest();
  else if (list && list.childElementCount > KEPT_MAX && trimFirst(KEPT) && olderLink)
    olderLink.hidden = false;
  goToEnd();
}
