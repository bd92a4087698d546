import type { UserPresence } from "../../realtime/events.ts";
import { find, t } from "../page.ts";
import { onNews, onRefresh, request } from "../realtime.ts";
import { otherId } from "../timeline.ts";
import { whenLabel } from "../times.ts";

/** Dots and "last seen" of everybody on the page, live. */

const WATCHED_MAX = 200;
const times = new Map<number, number>();
let list: HTMLElement | null = null;

export function startPresence(): void {
  onNews("updateOnlineUsers", ({ users }) => users.forEach(showPresence));
  onRefresh(() => void ask());
}

/** Watches who is in the list now. */
export function watch(people: HTMLElement): void {
  list = people;
  void ask();
}

async function ask(): Promise<void> {
  const rows = [...(list?.children ?? [])].flatMap((row) =>
    row instanceof HTMLElement ? [Number(row.dataset.userId)] : [],
  );
  const userIds = [...new Set([...(otherId ? [otherId] : []), ...rows])].slice(0, WATCHED_MAX);
  try {
    const { users } = await request("watchUsers", { userIds });
    users.forEach(showPresence);
  } catch {
    // Unknown stays as it was; the next refresh asks again.
  }
}

/** News that is older than what is shown arrived late and is not news. */
function showPresence({ userId, online, lastSeenAt, at }: UserPresence): void {
  if (at < (times.get(userId) ?? 0)) return;
  times.set(userId, at);
  const row = list?.querySelector<HTMLElement>(`:scope > [data-user-id="${userId}"]`);
  if (row) row.dataset.online = String(online);
  const label = row && find("[data-online-label]", HTMLElement, row);
  if (label) label.textContent = t(online ? "status.online" : "status.offline");
  if (userId === otherId) showStatus(online, lastSeenAt);
}

function showStatus(online: boolean, lastSeenAt: string | null): void {
  const presence = find("[data-presence]", HTMLElement);
  const status = find("[data-status]", HTMLElement);
  if (presence) presence.dataset.online = String(online);
  if (!status) return;
  if (online) status.textContent = t("status.online");
  else if (lastSeenAt) status.textContent = t("status.lastSeen", { when: whenLabel(new Date(lastSeenAt)) });
  else status.textContent = t("status.offline");
}
