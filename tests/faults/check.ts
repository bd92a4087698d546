import type { DeviceRecord, Operation } from "./record.ts";

/** Compares what clients were told with what is stored and shown. Every number but 0 is a broken promise. */

export interface StoredMessage {
  id: number;
  conversationId: number;
  seq: number;
  rev: number;
  senderId: number;
  clientId: string;
  message: string;
}

export interface StoredMembership {
  conversationId: number;
  userId: number;
  deliveredSeq: number;
  readSeq: number;
  unread: number;
}

export interface Evidence {
  messages: StoredMessage[];
  memberships: StoredMembership[];
  conversations: { id: number; lastSeq: number; lastRev: number }[];
  records: DeviceRecord[];
  /** What fresh clients read by pages, by "conversation:reader". */
  pages: {
    conversationId: number;
    userId: number;
    messages: { seq: number; id: number; message: string }[];
  }[];
}

export interface Verdict {
  attempted: number;
  acknowledged: number;
  failed: number;
  unknown: number;
  /** Acknowledged but not stored, or stored but not shown to a participant. */
  lost: number;
  duplicated: number;
  misordered: number;
  /** Stored though refused for certain, or never sent, or with other content. */
  phantom: number;
  /** Shown to somebody outside, or through a session that had ended. */
  leaked: number;
  /** Receipts for what nobody claimed, and unread counts that differ from a recount. */
  untrue: number;
  /** The first few of each kind, for whoever looks. */
  examples: string[];
}

/** The kinds that must be 0. */
export const BAD = ["lost", "duplicated", "misordered", "phantom", "leaked", "untrue"] as const;

export function check(evidence: Evidence): Verdict {
  const operations = evidence.records.flatMap((record) => record.operations);
  const verdict: Verdict = {
    attempted: operations.filter((each) => each.attempts > 0).length,
    acknowledged: operations.filter((each) => each.outcome === "ok").length,
    failed: operations.filter((each) => each.outcome === "fail").length,
    unknown: operations.filter((each) => each.outcome === "info" && each.attempts > 0).length,
    ...{ lost: 0, duplicated: 0, misordered: 0, phantom: 0, leaked: 0, untrue: 0, examples: [] },
  };
  const blame = (kind: (typeof BAD)[number], what: string) => {
    verdict[kind] += 1;
    if (verdict.examples.length < 30) verdict.examples.push(`${kind}: ${what}`);
  };
  checkTable(evidence, operations, blame);
  checkNumbers(evidence, blame);
  checkViews(evidence, blame);
  checkOrder(evidence, operations, blame);
  checkMemberships(evidence, blame);
  for (const record of evidence.records) {
    for (const leak of record.leaks) blame("leaked", `${record.deviceId} heard ${leak}`);
    for (let ghost = 0; ghost < record.ghosts; ghost += 1) blame("leaked", `${record.deviceId} was a ghost`);
  }
  return verdict;
}

type Blame = (kind: (typeof BAD)[number], what: string) => void;

function checkTable({ messages }: Evidence, operations: Operation[], blame: Blame): void {
  const byKey = Map.groupBy(messages, (row) => `${row.senderId}:${row.clientId}`);
  const known = new Map(operations.map((each) => [`${each.userId}:${each.clientId}`, each]));
  for (const [key, rows] of byKey) {
    const operation = known.get(key);
    if (rows.length > 1) blame("duplicated", `${key} stands at ${rows.map((row) => row.seq)}`);
    if (!operation || operation.attempts === 0) blame("phantom", `${key} was never sent`);
    else if (operation.outcome === "fail") blame("phantom", `${key} was refused: ${operation.text}`);
    else if (rows[0]?.message !== operation.text) blame("phantom", `${key} has another text`);
  }
  for (const operation of operations.filter((each) => each.outcome === "ok")) {
    const row = byKey.get(`${operation.userId}:${operation.clientId}`)?.[0];
    if (!row) blame("lost", `acknowledged but not stored: ${operation.text}`);
    else if (row.id !== operation.stored?.id || row.seq !== operation.stored.seq)
      blame("phantom", `${operation.text} moved`);
  }
}

/** seq 1, 2, 3 … with no gap, and no change numbered beyond the conversation's own count. */
function checkNumbers({ messages, conversations }: Evidence, blame: Blame): void {
  const byConversation = Map.groupBy(messages, (row) => row.conversationId);
  for (const { id, lastSeq, lastRev } of conversations) {
    const rows = (byConversation.get(id) ?? []).toSorted((a, b) => a.seq - b.seq);
    if (rows.length !== lastSeq)
      blame("misordered", `conversation ${id} counts ${lastSeq} and has ${rows.length}`);
    for (const [index, row] of rows.entries()) {
      if (row.seq !== index + 1) blame("misordered", `conversation ${id} has a gap before ${row.seq}`);
      if (row.rev > lastRev) blame("misordered", `conversation ${id} has rev ${row.rev} beyond ${lastRev}`);
    }
  }
}

/** Every device and every fresh page shows each conversation as the table has it. */
function checkViews({ messages, memberships, records, pages }: Evidence, blame: Blame): void {
  const byConversation = Map.groupBy(messages, (row) => row.conversationId);
  const compare = (
    who: string,
    conversationId: number,
    shown: { seq: number; id: number; text: string }[],
  ) => {
    const bySeq = new Map(shown.map((each) => [each.seq, each]));
    if (bySeq.size !== shown.length) blame("duplicated", `${who} shows a number of ${conversationId} twice`);
    for (const row of byConversation.get(conversationId) ?? []) {
      const found = bySeq.get(row.seq);
      if (!found) blame("lost", `${who} does not show ${conversationId}:${row.seq}`);
      else if (found.id !== row.id || found.text !== row.message)
        blame("misordered", `${who} shows ${conversationId}:${row.seq} otherwise`);
      bySeq.delete(row.seq);
    }
    for (const seq of bySeq.keys())
      blame("phantom", `${who} shows ${conversationId}:${seq}, which is not stored`);
  };
  for (const record of records.filter((each) => each.ghosts === 0 && !each.isAway)) {
    const own = memberships.filter(
      (each) => each.userId === record.userId && byConversation.has(each.conversationId),
    );
    for (const { conversationId } of own) {
      const view = record.views.find((each) => each.conversationId === conversationId);
      compare(record.deviceId, conversationId, view?.messages ?? []);
    }
  }
  for (const page of pages) {
    compare(
      `the page of ${page.userId}`,
      page.conversationId,
      page.messages.map((each) => ({ ...each, text: each.message })),
    );
  }
}

/** What one device wrote to one person stands in the order it was written. */
function checkOrder({ messages }: Evidence, operations: Operation[], blame: Blame): void {
  const bySent = new Map(messages.map((row) => [`${row.senderId}:${row.clientId}`, row]));
  const queues = Map.groupBy(operations, (each) => `${each.deviceId}>${each.receiverId}`);
  for (const [queue, queued] of queues) {
    let last = 0;
    for (const operation of queued.toSorted((a, b) => a.n - b.n)) {
      const seq = bySent.get(`${operation.userId}:${operation.clientId}`)?.seq;
      if (seq === undefined) continue;
      if (seq < last) blame("misordered", `${queue}: ${operation.n} stands before an earlier one`);
      last = Math.max(last, seq);
    }
  }
}

/** Receipts only for what some device of the person claimed or its person wrote; unread counts as recounted. */
function checkMemberships({ messages, memberships, records }: Evidence, blame: Blame): void {
  const byConversation = Map.groupBy(messages, (row) => row.conversationId);
  for (const { conversationId, userId, deliveredSeq, readSeq, unread } of memberships) {
    const rows = byConversation.get(conversationId) ?? [];
    const devices = records.filter((record) => record.userId === userId);
    const claims = devices.map((record) => record.claimed[conversationId]);
    const written = rows.filter((row) => row.senderId === userId).map((row) => row.seq);
    const claimed = Math.max(0, ...claims.map((claim) => claim?.delivered ?? 0), ...written);
    const read = Math.max(0, ...claims.map((claim) => claim?.read ?? 0), ...written);
    const who = `${userId} in ${conversationId}`;
    if (deliveredSeq > claimed) blame("untrue", `delivered ${deliveredSeq} of ${claimed} to ${who}`);
    if (readSeq > read) blame("untrue", `read ${readSeq} of ${read} by ${who}`);
    if (deliveredSeq < readSeq) blame("untrue", `${who} read what was not delivered`);
    const recount = rows.filter((row) => row.senderId !== userId && row.seq > readSeq).length;
    if (recount !== unread) blame("untrue", `${who} counts ${unread} unread, recounted ${recount}`);
    const heard = records
      .flatMap((record) => record.heard)
      .filter((each) => each.conversationId === conversationId && each.userId === userId);
    for (const each of heard) {
      if (each.deliveredSeq > deliveredSeq || each.readSeq > readSeq)
        blame("untrue", `a receipt of ${who} went backwards`);
    }
  }
}
