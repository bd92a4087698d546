import { firstSeq, lastSeq, list, numbered } from "../message-list.ts";
import { onRefresh, request } from "../realtime.ts";
import { isLive, olderLink, otherId, reachesNewest, showNewer, showNewest, showOlder } from "../timeline.ts";
import { scroller } from "./scrolling.ts";

/**
 * Going through history as one scrolls, or by the link. The list keeps a part of it around what is being read, so
 * that a page does not grow with how far somebody went back; the rest is asked for again on the way down.
 */

const PAGE = 50;
const KEPT = 300;
const AHEAD_PX = 600;
const SILENCE_MS = 500;

export function startHistory(): void {
  if (olderLink) loadOnDemand(olderLink);
  if (!isLive) return;
  scroller?.addEventListener("scroll", () => void loadNewer(), { passive: true });
  onRefresh(() => void loadNewer());
  scroller?.addEventListener("keydown", ({ key }) => void (key === "End" && showNewest()));
}

function loadOnDemand(link: HTMLAnchorElement): void {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void loadOlder(link);
  });
  const observer = new IntersectionObserver(
    async (entries) => {
      // Several may have gathered; the last is how it stands.
      if (!entries.at(-1)?.isIntersecting || !(await loadOlder(link))) return;
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
    keepingPlace(() => showOlder(page, isHeld() || !isLive ? Number.POSITIVE_INFINITY : KEPT));
    // Where the end came into reach meanwhile, no more scrolling may come to tell.
    requestAnimationFrame(() => void loadNewer());
    return true;
  } catch {
    return false; // offline: the link is still there
  } finally {
    loading = false;
  }
}

async function loadNewer(): Promise<void> {
  if (loading || reachesNewest() || !scroller) return;
  if (scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop > AHEAD_PX) return;
  loading = true;
  const last = lastSeq();
  try {
    const page = await request("getMessages", { userId: otherId, beforeSeq: last + PAGE + 1, limit: PAGE });
    if (lastSeq() === last && !reachesNewest())
      keepingPlace(() => showNewer(page, isHeld() ? Number.POSITIVE_INFINITY : KEPT));
    requestAnimationFrame(() => void loadNewer());
  } catch {
    // Offline: the next scrolling or the next connection does it.
  } finally {
    loading = false;
  }
}

/** Whether somebody has selected something in the list, or has the focus in it. */
function isHeld(): boolean {
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && list?.contains(selection.anchorNode);
  return isSelected || list?.contains(document.activeElement) === true;
}

/** Adds and takes away without moving what is being read, and without announcing it as new. */
function keepingPlace(change: () => void): void {
  if (!scroller) return;
  const top = scroller.getBoundingClientRect().top;
  const read = numbered().find((message) => message.getBoundingClientRect().bottom > top);
  const before = read?.getBoundingClientRect().top ?? 0;
  list?.setAttribute("aria-live", "off");
  change();
  if (read?.isConnected) scroller.scrollTop += read.getBoundingClientRect().top - before;
  setTimeout(() => list?.removeAttribute("aria-live"), SILENCE_MS);
}
