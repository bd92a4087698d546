import { firstSeq, list } from "../message-list.ts";
import { request } from "../realtime.ts";
import { olderLink, otherId, showOlder } from "../timeline.ts";
import { scroller } from "./scrolling.ts";

/** Going back through history as one scrolls, or by the link. */

const PAGE = 50;
const AHEAD_PX = 600;
const SILENCE_MS = 500;

export function startOlder(): void {
  if (olderLink) loadOnDemand(olderLink);
}

function loadOnDemand(link: HTMLAnchorElement): void {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void loadOlder(link);
  });
  const observer = new IntersectionObserver(
    async ([entry]) => {
      if (!entry?.isIntersecting || !(await loadOlder(link))) return;
      // It tells of changes only: where the link is still in reach, looking anew makes it tell again.
      observer.unobserve(link);
      observer.observe(link);
    },
    { root: scroller, rootMargin: `${AHEAD_PX}px 0px` },
  );
  observer.observe(link);
}

let loading = false;

/** Whether something was added. */
async function loadOlder(link: HTMLAnchorElement): Promise<boolean> {
  const beforeSeq = firstSeq();
  if (loading || link.hidden || beforeSeq === 0) return false;
  loading = true;
  try {
    const page = await request("getMessages", { userId: otherId, beforeSeq, limit: PAGE });
    if (firstSeq() !== beforeSeq) return false; // the list was begun anew meanwhile
    link.hidden = !page.more;
    keepingPlace(() => showOlder(page.messages));
    return true;
  } catch {
    return false; // offline: the link is still there
  } finally {
    loading = false;
  }
}

/** Adds above without moving what is being read, and without announcing it as new. */
function keepingPlace(add: () => void): void {
  if (!scroller) return;
  const fromEnd = scroller.scrollHeight - scroller.scrollTop;
  list?.setAttribute("aria-live", "off");
  add();
  scroller.scrollTop = scroller.scrollHeight - fromEnd;
  setTimeout(() => list?.removeAttribute("aria-live"), SILENCE_MS);
}
