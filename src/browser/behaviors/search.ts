import type { ConversationRow } from "../../realtime/events.ts";
import { find, t, throttled } from "../page.ts";
import { madeRow, people, rowOf } from "../people-list.ts";
import { watch } from "./presence.ts";

/** Searching the list of people as one types, and its next pages as one scrolls. */

const SEARCH_MS = 120;
const AHEAD_PX = 200;

const search = find("[data-search] input", HTMLInputElement);
const more = find("[data-more]", HTMLAnchorElement);
const typed = () => search?.value.trim() ?? "";

/** Whether there is more than the list shows. */
export const isLong = () => more !== null && !more.hidden;

/** Whether the list shows matches instead of everybody. */
export const isFiltered = () => typed() !== "";

export function startSearch(): void {
  const find = throttled(() => void showMatches(), SEARCH_MS);
  search?.addEventListener("input", find);
  search?.form?.addEventListener("submit", (event) => {
    event.preventDefault();
    void showMatches();
  });
  if (more) startMore(more);
}

interface Page {
  rows: ConversationRow[];
  next: string | null;
}

/** @throws when there is no network, no session, or the answer is not wanted any more */
async function fetchPage(address: string, signal: AbortSignal | null = null): Promise<Page> {
  const response = await fetch(address, { headers: { accept: "application/json" }, signal });
  if (!response.ok) throw new Error(`the list answered ${response.status}`);
  return response.json();
}

let searching: AbortController | undefined;

async function showMatches(): Promise<void> {
  const q = typed();
  searching?.abort();
  searching = new AbortController();
  try {
    const page = await fetchPage(q ? `/?q=${encodeURIComponent(q)}` : "/", searching.signal);
    people?.replaceChildren(...page.rows.map(madeRow).filter((row) => row !== null));
    people?.parentElement?.scrollTo({ top: 0 });
    showMore(q, page.next);
    showEmpty();
    watch();
  } catch {
    // A newer search took over, or there is no network; what is shown stays.
  }
}

/** Says what to do where there is nobody to show. */
export function showEmpty(): void {
  const isEmpty = people?.childElementCount === 0;
  const nobody = find("[data-nobody]", HTMLElement);
  const noMatches = find("[data-no-matches]", HTMLElement);
  const text = find("[data-no-matches-text]", HTMLElement);
  if (nobody) nobody.hidden = !isEmpty || isFiltered();
  if (text && isFiltered()) text.textContent = t("people.noMatches", { q: typed() });
  if (noMatches) noMatches.hidden = !isEmpty || !isFiltered();
}

function showMore(q: string, next: string | null): void {
  if (!more) return;
  more.hidden = next === null;
  if (next !== null) more.href = `/?${new URLSearchParams({ ...(q ? { q } : {}), after: next })}`;
}

function startMore(link: HTMLAnchorElement): void {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void loadMore(link);
  });
  const observer = new IntersectionObserver(
    async (entries) => {
      // Several may have gathered; the last is how it stands.
      if (!entries.at(-1)?.isIntersecting || !(await loadMore(link))) return;
      // It tells of changes only: where the link is still in reach, looking anew makes it tell again.
      observer.unobserve(link);
      observer.observe(link);
    },
    { rootMargin: `${AHEAD_PX}px` },
  );
  observer.observe(link);
}

let loading = false;

/** Whether somebody was added. */
async function loadMore(link: HTMLAnchorElement): Promise<boolean> {
  if (loading || link.hidden) return false;
  loading = true;
  const address = new URL(link.href);
  const q = address.searchParams.get("q") ?? "";
  try {
    const page = await fetchPage(address.pathname + address.search);
    if (q !== typed()) return false; // another search took over meanwhile
    const fresh = page.rows.filter((row) => !rowOf(row.userId)).map(madeRow);
    people?.append(...fresh.filter((row) => row !== null));
    showMore(q, page.next);
    watch();
    return true;
  } catch {
    return false; // the link stays for another try
  } finally {
    loading = false;
  }
}
