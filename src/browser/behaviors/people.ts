import type { Message } from "../../messages/message.ts";
import type { ConversationRow, ReceiptUpdate } from "../../realtime/events.ts";
import { throttled, viewerId } from "../page.ts";
import {
  arrange,
  people,
  personRows,
  rowOf,
  rowOfConversation,
  setUnread,
  showPreview,
  showRowTime,
  updated,
} from "../people-list.ts";
import { onNews, onRefresh, request } from "../realtime.ts";
import { watch } from "./presence.ts";
import { has, isBeingRead } from "./receipts.ts";
import { isFiltered, isLong, showEmpty, startSearch } from "./search.ts";
import { setUnreadConversations } from "./title.ts";

/** The list of people, where there is one, and the title everywhere: badges, order, previews as messages come. */

const ROWS = 20;
const ROWS_MAX = 200;
const SOON_MS = 300;

/** How much news changed the list; an answer that overlaps with some may be older than it. */
let changes = 0;

export function startPeople(): void {
  for (const row of personRows()) showRowTime(row);
  onNews("receiveMessage", takeMessage);
  onNews("updateReceipts", takeReceipts);
  // A list that shows everybody shows who comes as well; a longer one has its order.
  onNews("userJoined", () => people && !isLong() && refreshSoon());
  onNews("userLeft", ({ userId }) => takeLeaver(userId));
  onRefresh(() => void refreshList());
  startSearch();
}

/** A conversation has something new: its row changes and goes to the top. */
function takeMessage(message: Message): void {
  changes += 1;
  const userId = message.senderId === viewerId ? message.receiverId : message.senderId;
  const row = userId === null ? null : rowOf(userId);
  if (!row) {
    refreshSoon();
    return;
  }
  const held = Number(row.dataset.lastSeq || 0);
  if (message.seq < held || (message.seq === held && message.rev === message.seq)) return;
  if (message.seq > held + 1) refreshSoon();
  if (message.seq > held) {
    row.dataset.lastSeq = String(message.seq);
    row.dataset.conversationId = String(message.conversationId);
    if (message.senderId !== viewerId && !isBeingRead(message.conversationId))
      setUnread(row, Number(row.dataset.unread) + 1);
    if (!isFiltered() && row !== people?.firstElementChild) people?.prepend(row);
  }
  showPreview(row, message);
}

/** Reading in one tab clears the badge in all. */
function takeReceipts({ userId, conversationId, unread, readSeq }: ReceiptUpdate): void {
  if (userId !== viewerId) return;
  const row = rowOfConversation(conversationId);
  // Only delivered, or not in the list and still unread: nothing that shows has changed.
  if (unread > 0 && (!row || row.dataset.unread === String(unread))) return;
  changes += 1;
  if (!row) refreshSoon();
  else if (readSeq >= Number(row.dataset.lastSeq)) setUnread(row, 0);
  else if (!isBeingRead(conversationId)) setUnread(row, unread);
}

/** What was said with somebody who deleted their account stays in the list; others are gone. */
function takeLeaver(userId: number): void {
  const row = rowOf(userId);
  if (Number(row?.dataset.lastSeq) > 0) refreshSoon();
  else row?.remove();
  showEmpty();
}

const refreshSoon = throttled(() => void refreshList(), SOON_MS);

/** Makes the top of the list what the server says, and tells it what this device now has. */
async function refreshList(): Promise<void> {
  const before = changes;
  try {
    const limit = Math.min(ROWS_MAX, Math.max(ROWS, personRows().length));
    const { rows, next, unreadConversations } = await request("getConversations", { limit, html: false });
    const drawn = isFiltered() ? rows : await withMarkup(rows);
    void tellAllHad(rows, next);
    // News came in between: the answer may be older than what the list shows, so it is asked for again.
    if (changes !== before) {
      refreshSoon();
      return;
    }
    setUnreadConversations(() => unreadConversations);
    if (isFiltered()) for (const row of drawn) rowOf(row.userId) && updated(row);
    else arrange(drawn);
    showEmpty();
    watch();
  } catch {
    // Offline: the next refresh does it.
  }
}

/** Rows are asked for without their markup, which is most of their weight; only new ones need it. */
async function withMarkup(rows: ConversationRow[]): Promise<ConversationRow[]> {
  const userIds = rows.map((row) => row.userId).filter((userId) => !rowOf(userId));
  if (userIds.length === 0) return rows;
  const fresh = await request("getConversations", { userIds });
  const byId = new Map(fresh.rows.map((row) => [row.userId, row]));
  return rows.map((row) => byId.get(row.userId) ?? row);
}

/** On through the list while everybody in it has sent something since; the rest was told before. */
async function tellAllHad(rows: ConversationRow[], next: string | null): Promise<void> {
  for (const row of rows) tellHad(row);
  const isAllNew = rows.every(({ lastSeq, own }) => lastSeq > own.deliveredSeq);
  if (next === null || !isAllNew) return;
  try {
    const page = await request("getConversations", { after: next, limit: ROWS_MAX, html: false });
    await tellAllHad(page.rows, page.next);
  } catch {
    // Offline: the next refresh does it.
  }
}

function tellHad({ conversationId, lastSeq, own, userId }: ConversationRow): void {
  if (conversationId && lastSeq > own.deliveredSeq) has({ conversationId, seq: lastSeq, senderId: userId });
}
