import type { MessagesPage } from "../../realtime/events.ts";
import { firstBelow, firstSeq, lastSeq, list } from "../message-list.ts";
import { drawnFrame } from "../page.ts";
import { onRefresh, request } from "../realtime.ts";
import {
  dropNewer,
  dropOlder,
  forgetPassedOver,
  isFresh,
  isLive,
  olderLink,
  otherId,
  reachesNewest,
  showNewer,
  showNewest,
  showOlder,
} from "../timeline.ts";
import { lookAgain, scroller } from "./scrolling.ts";

/**
 * Going through history as one scrolls, or by the link. The list keeps a part of it around what is being read, so
 * that a page does not grow with how far somebody went back; the rest is asked for again on the way down.
 */

const PAGE = 50;
/** A slice that took longer was too much beside the next frame; one that took less than half may be more. */
const SLICE_MS = 10;
const SLICE_MAX = 25;
const AHEAD_PX = 600;
const SILENCE_MS = 500;

export function startHistory(): void {
  if (olderLink) loadOnDemand(olderLink);
  if (!isLive) return;
  scroller?.addEventListener("scroll", () => void loadNewer(), { passive: true });
  onRefresh(() => void loadNewer());
  scroller?.addEventListener("keydown", ({ key }) => void (key === "End" && showNewest()));
}

/** How many the list keeps beside a page that comes: what fills the window, and what is loaded ahead on both sides. */
const kept = () => (isHeld() || !isLive ? Infinity : 95 + Math.ceil(window.innerHeight / 30));

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
    forgetPassedOver();
    const page = await request("getMessages", { userId: otherId, beforeSeq, limit: PAGE });
    await makeRoom(dropNewer);
    if (firstSeq() !== beforeSeq) return false; // the list was begun anew meanwhile
    await addOlder(page);
    // Where the end came into reach meanwhile, no more scrolling may come to tell.
    requestAnimationFrame(() => void loadNewer());
    return true;
  } catch {
    return false; // offline: the link is still there
  } finally {
    loading = false;
  }
}

/** Once for a page, in a frame of its own: what is behind those that are taken away moves, and is painted anew. */
async function makeRoom(drop: typeof dropNewer): Promise<void> {
  let isDropped = false;
  keepingPlace(() => {
    isDropped = drop(kept());
  });
  if (isDropped) await drawnFrame();
}

/** Slice by slice, each as a small page of its own; stops where the list is begun anew or a slice is out of date. */
async function addOlder(page: MessagesPage): Promise<void> {
  let end = page.messages.length;
  do {
    const start = Math.max(0, end - slice);
    const messages = page.messages.slice(start, end);
    const first = messages[0]?.seq ?? firstSeq();
    if (!isFresh(messages)) return;
    addSlice(messages.length, () => showOlder({ ...page, messages, more: page.more || start > 0 }));
    await drawnFrame();
    if (firstSeq() !== first) return;
    end = start;
  } while (end > 0);
}

async function loadNewer(): Promise<void> {
  if (loading || reachesNewest() || !scroller) return;
  if (scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop > AHEAD_PX) return;
  loading = true;
  const last = lastSeq();
  try {
    forgetPassedOver();
    const page = await request("getMessages", { userId: otherId, beforeSeq: last + PAGE + 1, limit: PAGE });
    await makeRoom(dropOlder);
    if (lastSeq() === last && !reachesNewest()) await addNewer(page);
    requestAnimationFrame(() => void loadNewer());
  } catch {
    // Offline: the next scrolling or the next connection does it.
  } finally {
    loading = false;
  }
}

async function addNewer(page: MessagesPage): Promise<void> {
  const fresh = page.messages.filter(({ seq }) => seq > lastSeq()); // the last page reaches back to what is here
  let start = 0;
  do {
    const end = start + slice;
    const messages = fresh.slice(start, end);
    const last = messages.at(-1)?.seq ?? lastSeq();
    if (!isFresh(messages)) return;
    addSlice(messages.length, () =>
      showNewer({ ...page, messages, newer: page.newer || end < fresh.length }),
    );
    await drawnFrame();
    lookAgain(); // moved back to where it was, the end is reached without an event of scrolling
    if (lastSeq() !== last || reachesNewest()) return;
    start = end;
  } while (start < fresh.length);
}

/** So many are put into the list at a time, as the device has shown that it can. */
let slice = 6;

function addSlice(count: number, change: () => void): void {
  const start = performance.now();
  keepingPlace(change);
  const took = performance.now() - start;
  if (took > SLICE_MS) slice = Math.ceil(slice / 2);
  else if (took < SLICE_MS / 2 && count === slice) slice = Math.min(SLICE_MAX, slice * 2);
}

/** Whether somebody has selected something in the list, or has the focus in it. */
function isHeld(): boolean {
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed && list?.contains(selection.anchorNode);
  return isSelected || list?.contains(document.activeElement) === true;
}

let silence: number | undefined;

/** Adds and takes away without moving what is being read, and without announcing it as new. */
function keepingPlace(change: () => void): void {
  if (!scroller) return;
  const top = scroller.getBoundingClientRect().top;
  const read = firstBelow(top);
  const before = read?.getBoundingClientRect().top ?? 0;
  list?.setAttribute("aria-live", "off");
  change();
  if (read?.isConnected) scroller.scrollTop += read.getBoundingClientRect().top - before;
  lookAgain();
  clearTimeout(silence);
  silence = window.setTimeout(() => list?.removeAttribute("aria-live"), SILENCE_MS);
}
