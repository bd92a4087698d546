import { find } from "../page.ts";
import { request } from "../realtime.ts";
import { firstSeq, isLive, onGrown, otherId, prepend } from "../timeline.ts";

/** Where the eye is: staying at the end as messages come, going back through history. */

const NEAR_PX = 120;
const PAGE = 50;

const scroller = find("[data-scroller]", HTMLElement);
const jump = find("[data-jump]", HTMLButtonElement);

/** True while the newest message is in view. */
export function isAtEnd(): boolean {
  if (!scroller) return false;
  return Math.abs(endOffset()) < NEAR_PX;
}

/** Distance to the end in px, whichever way the scroller counts. */
function endOffset(): number {
  if (!scroller) return 0;
  const isReversed = getComputedStyle(scroller).flexDirection === "column-reverse";
  return isReversed ? scroller.scrollTop : scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
}

function goToEnd(): void {
  if (!scroller) return;
  const isReversed = getComputedStyle(scroller).flexDirection === "column-reverse";
  scroller.scrollTop = isReversed ? 0 : scroller.scrollHeight;
}

export function startScrolling(): void {
  if (!scroller || !otherId) return;
  let wasAtEnd = true;
  if (isLive) goToEnd();
  scroller.addEventListener(
    "scroll",
    () => {
      wasAtEnd = isAtEnd();
      if (wasAtEnd && jump) jump.hidden = true;
    },
    { passive: true },
  );
  onGrown((own) => {
    if (own || wasAtEnd) goToEnd();
    else if (jump) jump.hidden = false;
  });
  // The keyboard of a phone, or a growing composer, must not hide the newest message.
  new ResizeObserver(() => wasAtEnd && isLive && goToEnd()).observe(scroller);
  jump?.addEventListener("click", goToEnd);
  loadOlderOnDemand(scroller);
}

function loadOlderOnDemand(root: HTMLElement): void {
  const link = find("[data-older]", HTMLAnchorElement);
  if (!link) return;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void loadOlder(link);
  });
  const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void loadOlder(link), {
    root,
    rootMargin: "400px 0px",
  });
  observer.observe(link);
}

let loading = false;

async function loadOlder(link: HTMLAnchorElement): Promise<void> {
  if (loading || !link.isConnected) return;
  loading = true;
  try {
    const page = await request("getMessages", { userId: otherId, beforeSeq: firstSeq(), limit: PAGE });
    keepingPlace(() => prepend(page.messages));
    if (page.more) link.href = `/chat/${otherId}/messages?before=${page.messages[0]?.seq}`;
    else link.remove();
  } catch {
    // Offline: the link is still there.
  } finally {
    loading = false;
  }
}

/** Adds above without moving what is being read, and without announcing it as new. */
function keepingPlace(add: () => void): void {
  if (!scroller) return;
  const log = find("[data-messages]", HTMLElement);
  const fromEnd = scroller.scrollHeight - scroller.scrollTop;
  const isReversed = getComputedStyle(scroller).flexDirection === "column-reverse";
  log?.setAttribute("aria-live", "off");
  add();
  if (!isReversed) scroller.scrollTop = scroller.scrollHeight - fromEnd;
  setTimeout(() => log?.removeAttribute("aria-live"), 500);
}
