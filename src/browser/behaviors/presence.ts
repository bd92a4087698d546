import type { UserPresence } from "../../realtime/events.ts";
import { find, t, throttled } from "../page.ts";
import { personRows, rowOf } from "../people-list.ts";
import { onNews, onRefresh, request } from "../realtime.ts";
import { otherId } from "../timeline.ts";
import { whenLabel } from "../times.ts";

/** Dots and "last seen" of everybody on the page, live. */

const WATCHED_MAX = 200;
const GATHER_MS = 50;
const times = new Map<number, number>();

export function startPresence(): void {
  onNews("updateOnlineUsers", ({ users }) => users.forEach(showPresence));
  onRefresh(() => {
    watched = "";
    watch();
  });
}

/** Whom this connection was asked to watch. */
let watched = "";

/** Watches whoever is on the page now. */
export const watch = throttled(() => void ask(), GATHER_MS);

async function ask(): Promise<void> {
  const rows = personRows().map((row) => Number(row.dataset.userId));
  const userIds = [...new Set([...(otherId ? [otherId] : []), ...rows])].slice(0, WATCHED_MAX);
  const wanted = userIds.sort((a, b) => a - b).join();
  if (userIds.length === 0 || wanted === watched) return;
  watched = wanted;
  try {
    const { users } = await request("watchUsers", { userIds });
    users.forEach(showPresence);
  } catch {
    watched = "";
    // Unknown stays as it was; the next refresh asks again.
  }
}

/** News that is older than what is shown arrived late and is not news. */
function showPresence({ userId, online, lastSeenAt, at }: UserPresence): void {
  if (at < (times.get(userId) ?? 0)) return;
  times.set(userId, at);
  const row = rowOf(userId);
  if (row) row.dataset.online = String(online);
  const label = row && find(".dot > span", HTMLElement, row);
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
