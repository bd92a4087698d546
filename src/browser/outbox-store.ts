import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { newUuid, viewerId } from "./page.ts";

/** Where what was sent is kept until the server has it: IndexedDB, shared by all tabs; memory where there is none. */

export interface Entry {
  /** Order of typing, over all tabs. */
  n?: number;
  owner: number;
  /** Who it is for. */
  userId: number;
  clientId: string;
  message: string;
  /** Milliseconds since 1970. */
  at: number;
  /** Why the server refused it for good; absent while it waits. */
  refusal?: string;
}

interface Schema extends DBSchema {
  outbox: { key: number; value: Entry; indexes: { owner: number } };
  leases: { key: string; value: { holder: string; until: number } };
}

const LEASE_MS = 5000; // two tabs at once are harmless: each sends in order, and the same id is the same message
const LEASE_POLL_MS = 500;

let opened: Promise<IDBPDatabase<Schema>> | undefined;
let memory: Entry[] = [];

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>("causerie", 1, {
    upgrade(db) {
      db.createObjectStore("outbox", { keyPath: "n", autoIncrement: true }).createIndex("owner", "owner");
      db.createObjectStore("leases");
    },
    // A later version of this page in another tab wants to change the store.
    blocking: (_current, _wanted, event) => {
      if (event.target instanceof IDBDatabase) event.target.close();
      opened = undefined;
    },
    terminated: () => {
      opened = undefined;
    },
  });
  return opened;
}

/** Keeps an entry; resolves once it is safe. */
export async function add(entry: Entry): Promise<void> {
  try {
    const db = await database();
    await db.add("outbox", entry);
  } catch {
    memory.push({ ...entry, n: Number.MAX_SAFE_INTEGER - 1e6 + memory.length });
  }
}

/** What this person has waiting, in the order typed. */
export async function entries(): Promise<Entry[]> {
  try {
    const db = await database();
    return [...(await db.getAllFromIndex("outbox", "owner", viewerId)), ...memory];
  } catch {
    return [...memory];
  }
}

export async function change(entry: Entry): Promise<void> {
  if (isInMemory(entry)) memory = memory.map((each) => (each.n === entry.n ? entry : each));
  else await (await database()).put("outbox", entry);
}

export async function remove(entry: Entry): Promise<void> {
  if (isInMemory(entry)) memory = memory.filter((each) => each.n !== entry.n);
  else if (entry.n !== undefined) await (await database()).delete("outbox", entry.n);
}

function isInMemory(entry: Entry): boolean {
  return memory.some((each) => each.n === entry.n);
}

/** Runs `work` in one tab at a time; Web Locks are missing over plain http, a lease stands in for them. */
export async function alone(work: () => Promise<void>): Promise<void> {
  const name = `causerie-outbox-${viewerId}`;
  if (navigator.locks) {
    await navigator.locks.request(name, work);
    return;
  }
  const holder = newUuid();
  while (!(await takeLease(name, holder))) await new Promise((resolve) => setTimeout(resolve, LEASE_POLL_MS));
  const renewal = setInterval(() => void takeLease(name, holder), LEASE_MS / 3);
  try {
    await work();
  } finally {
    clearInterval(renewal);
    await dropLease(name);
  }
}

async function takeLease(name: string, holder: string): Promise<boolean> {
  try {
    const tx = (await database()).transaction("leases", "readwrite");
    const held = await tx.store.get(name);
    const isFree = !held || held.holder === holder || held.until < Date.now();
    if (isFree) await tx.store.put({ holder, until: Date.now() + LEASE_MS }, name);
    await tx.done;
    return isFree;
  } catch {
    return true; // without IndexedDB the outbox is this tab's own
  }
}

async function dropLease(name: string): Promise<void> {
  try {
    await (await database()).delete("leases", name);
  } catch {
    // It runs out by itself.
  }
}
