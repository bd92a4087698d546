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
export function renewLeases(userIds: number[]): Promise<Change[]> {
  return runOn(userIds, (some) => run("renew", [NODE_LEASE_MS, ...some.flatMap((userId) => [userId, NODE])]));
}

/** A showing of a page, by its reader and its name. */
export interface PageOf {
  userId: number;
  pageId: string;
}

/** Pages were asked for: online for 15 s, while their sockets come. Each page has a lease of its own. */
export function leasePages(pages: PageOf[]): Promise<Change[]> {
  return runOn(pages, (some) => run("renew", [PAGE_LEASE_MS, ...some.flatMap(leaseOf)]));
}

/** A page was shown without scripts: online for 30 s. */
export function leaseNoScriptPage(userId: number): Promise<Change[]> {
  return run("renew", [NO_SCRIPT_LEASE_MS, userId, "noscript"]);
}

/** The pages' sockets have come; from now on the node's lease alone counts. */
export function endLeasesOf(pages: PageOf[]): Promise<Change[]> {
  return runOn(pages, (some) => run("drop", some.flatMap(leaseOf)));
}

/** The last sockets of these users on this node are gone. */
export function endNodeLeases(userIds: number[]): Promise<Change[]> {
  return runOn(userIds, (some) =>
    run(
      "drop",
      some.flatMap((userId) => [userId, NODE]),
    ),
  );
}

/** Logged out: whatever held these people online without a socket ends now. */
export function endPageLeases(...userIds: number[]): Promise<Change[]> {
  return runOn(userIds, (some) => run("dropPages", some));
}

/** Takes away whoever's leases have all run out, each change for exactly one caller. */
export function sweepLeases(): Promise<Change[]> {
  return run("sweep", [BATCH]);
}

/** Who of these is online now, and the time of the answer. @throws RedisUnavailable */
export async function findOnline(userIds: number[]): Promise<Change[]> {
  return runOn(userIds, (some) => run("online", some));
}

const leaseOf = ({ userId, pageId }: PageOf) => [userId, `page:${pageId}`];

/** So many at once that Redis is not kept from others for long. */
async function runOn<Item>(items: Item[], runSome: (some: Item[]) => Promise<Change[]>): Promise<Change[]> {
  const changes: Change[] = [];
  for (let start = 0; start < items.length; start += BATCH) {
    changes.push(...(await runSome(items.slice(start, start + BATCH))));
  }
  return changes;
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
