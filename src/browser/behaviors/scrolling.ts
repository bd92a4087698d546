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

let atEnd = false;
/** True while the newest message is in view, or comes into view with the next frame. */
export const isAtEnd = () => atEnd && reachesNewest();

/** Measures anew, after something changed that was not scrolling; what is going to the end is there. */
export function lookAgain(): void {
  if (!isGoing) look();
}

/** Measures where the eye is. Only as one scrolls: to measure after each message is to lay the page out each time. */
function look(): void {
  if (!scroller) return;
  atEnd = reachesNewest() && scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop < NEAR_PX;
  if (atEnd && jump) jump.hidden = true;
}

function goToEnd(): void {
  if (!scroller) return;
  scroller.scrollTop = scroller.scrollHeight;
  top = scroller.scrollTop;
}

let isGoing = false;

/** With the next frame, once for all that came before it; not if somebody scrolled up meanwhile. */
function goToEndSoon(): void {
  atEnd = true;
  if (jump) jump.hidden = true;
  if (isGoing) return;
  isGoing = true;
  requestAnimationFrame(() => {
    isGoing = false;
    if (atEnd) goToEnd();
  });
}

let top = 0;

/** What is on its way to the end is not where the eye has gone. */
function follow(): void {
  if (!scroller) return;
  const isUp = scroller.scrollTop < top;
  top = scroller.scrollTop;
  if (isUp) look();
  else lookAgain();
}

export function startScrolling(): void {
  if (!scroller || !otherId) return;
  const linked = linkedMessage();
  if (linked) linked.scrollIntoView({ block: "center" });
  else goToEnd();
  look();
  scroller.addEventListener("scroll", follow, { passive: true });
  onGrown((own) => {
    if (own || isAtEnd()) void stayAtEnd();
    else if (jump) jump.hidden = false;
  });
  // The keyboard of a phone, or a growing composer, must not hide the newest message.
  new ResizeObserver(() => (atEnd && isLive ? goToEnd() : look())).observe(scroller);
  jump?.addEventListener("click", () => void stayAtEnd());
}

/** The message that the address names, as a fragment or as the middle of its page. */
function linkedMessage(): HTMLElement | null {
  const around = new URLSearchParams(location.search).get("around");
  return document.getElementById(location.hash.slice(1) || `m${around}`);
}

async function stayAtEnd(): Promise<void> {
  if (!reachesNewest()) await showNewest();
  else if (list && list.childElementCount > KEPT_MAX && trimFirst(KEPT)) {
    if (olderLink) olderLink.hidden = false;
    goToEnd(); // now: the list is shorter, which must not pass for scrolling up
  }
  goToEndSoon();
}
