import { randomUUID } from "node:crypto";
import { config } from "../platform/config.ts";
import { runScript } from "../platform/redis.ts";
import { leaseScripts } from "./presence.scripts.ts";

/**
 * Presence: who is online, as leases in Redis that run out by Redis's own clock, so that no crash leaves a
 * ghost. A person is online while any lease of theirs lasts: one a node while sockets are open there, a short
 * one while a page that was asked for opens its socket, a longer one for a page without scripts.
 */

/** Of somebody's coming or going; `at` is Redis's clock in ms, so that a late event can be told from news. */
export interface Change {
  userId: number;
  online: boolean;
  at: number;
}

const NODE_LEASE_MS = 25_000;
const PAGE_LEASE_MS = 15_000;
const NO_SCRIPT_LEASE_MS = 30_000;
const BATCH = 500;

/** This process's name among the leases. */
const NODE = `node:${randomUUID()}`;

/** Holds these users online from this node for 25 s; tells who came online by it. @throws RedisUnavailable */
export async function renewLeases(userIds: number[]): Promise<Change[]> {
  const changes: Change[] = [];
  for (let start = 0; start < userIds.length; start += BATCH) {
    const leases = userIds.slice(start, start + BATCH).flatMap((userId) => [userId, NODE]);
    changes.push(...(await run("renew", [NODE_LEASE_MS, ...leases])));
  }
  return changes;
}

/** Pages were asked for: online for 15 s, while their sockets come. Each page has a lease of its own. */
export function leasePages(pages: { userId: number; pageId: string }[]): Promise<Change[]> {
  const leases = pages.flatMap(({ userId, pageId }) => [userId, `page:${pageId}`]);
  return run("renew", [PAGE_LEASE_MS, ...leases]);
}

/** A page was shown without scripts: online for 30 s. */
export function leaseNoScriptPage(userId: number): Promise<Change[]> {
  return run("renew", [NO_SCRIPT_LEASE_MS, userId, "noscript"]);
}

/** The page's socket has come; from now on the node's lease alone counts. */
export function endPageLease(userId: number, pageId: string): Promise<Change[]> {
  return run("drop", [`page:${pageId}`, userId]);
}

/** The last socket of a user on this node is gone. */
export function endNodeLease(userId: number): Promise<Change[]> {
  return run("drop", [NODE, userId]);
}

/** Logged out: whatever held this person online without a socket ends now. */
export function endPageLeases(userId: number): Promise<Change[]> {
  return run("dropPages", [userId]);
}

/** Takes away whoever's leases have all run out, each change for exactly one caller. */
export function sweepLeases(): Promise<Change[]> {
  return run("sweep", [BATCH]);
}

/** Who of these is online now, and the time of the answer. @throws RedisUnavailable */
export async function findOnline(userIds: number[]): Promise<Change[]> {
  if (userIds.length === 0) return [];
  return run("online", userIds);
}

async function run(script: keyof typeof leaseScripts, values: (string | number)[]): Promise<Change[]> {
  const prefix = `${config.redisPrefix}presence:`;
  const reply = await runScript(
    leaseScripts[script],
    [`${prefix}due`],
    [`${prefix}leases:`, ...values.map(String)],
  );
  if (!Array.isArray(reply)) throw new TypeError("presence script answered something else than a list");
  const [at, ...pairs] = reply.map(Number);
  const changes: Change[] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    changes.push({ userId: pairs[index] ?? 0, online: pairs[index + 1] === 1, at: at ?? 0 });
  }
  return changes;
}
