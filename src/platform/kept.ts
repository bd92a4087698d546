import { isUnchanged, moment, type Topic } from "./changes.ts";

/** Something computed, and what it was computed from. */
export interface Made<Value> {
  value: Value;
  /** What it depends on, as `changes.ts` names it. */
  topics: readonly Topic[];
  /** Memory it takes. */
  bytes: number;
}

interface Entry<Value> extends Made<Value> {
  since: number;
  /** When it was made, by this process's clock in ms. */
  madeAt: number;
}

interface Making<Value> {
  since: number;
  made: Promise<Made<Value>>;
}

/** Everything that keeps something, and its share of the memory for that. */
const all = new Map<{ resize: (maxBytes: number) => void }, number>();

/** Lets all that is kept take so much memory. Only where every change passes through this process; elsewhere 0. */
export function keep(maxBytes: number): void {
  for (const [kept, share] of all) kept.resize(maxBytes * share);
}

/** Days begin and end at some quarter of an hour, wherever one is: "today" is true for as long. */
const QUARTER_MS = 900_000;

/** A key for what is shown to somebody: it holds for this quarter of an hour. */
export function keyOf(...parts: (string | number)[]): string {
  return [...parts, Math.floor(Date.now() / QUARTER_MS)].join(" ");
}

/**
 * Keeps what was computed while nothing that it depends on has changed; the least recently used goes first. It
 * must only be used where every change passes through this process, and `maxAgeMs` bounds what a change that
 * passed it by can do.
 */
export class Kept<Value> {
  private readonly entries = new Map<string, Entry<Value>>();
  private readonly making = new Map<string, Making<Value>>();
  private readonly maxAgeMs: number;
  private maxBytes = 0;
  private bytes = 0;

  /** @param share of the memory that `keep` gives to all of them, from 0 to 1 */
  constructor(maxAgeMs: number, share: number) {
    this.maxAgeMs = maxAgeMs;
    all.set(this, share);
  }

  /** Bounds the memory; with 0 nothing is kept. */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.shrink();
  }

  /** What is kept under the key and still true, or what `make` gives: once, however many ask at the same time. */
  async get(key: string, make: () => Promise<Made<Value>>): Promise<Value> {
    if (this.maxBytes === 0) return (await make()).value;
    const entry = this.entries.get(key);
    if (entry && this.isTrue(entry)) {
      this.entries.delete(key);
      this.entries.set(key, entry);
      return entry.value;
    }
    return (await this.makeOnce(key, make)).value;
  }

  private isTrue({ topics, since, madeAt }: Entry<Value>): boolean {
    return performance.now() - madeAt < this.maxAgeMs && isUnchanged(topics, since);
  }

  /**
   * Whoever asks after a change must not get what was begun before it. What was begun before one asked will do where
   * nothing in it has changed, which is known only once it is made; what was begun since will do in any case.
   */
  private async makeOnce(key: string, make: () => Promise<Made<Value>>): Promise<Made<Value>> {
    const asked = moment();
    for (let running = this.making.get(key); running; running = this.making.get(key)) {
      const made = await running.made;
      if (running.since >= asked || isUnchanged(made.topics, running.since)) return made;
    }
    const made = this.make(key, make).finally(() => this.making.delete(key));
    this.making.set(key, { since: moment(), made });
    return made;
  }

  private async make(key: string, make: () => Promise<Made<Value>>): Promise<Made<Value>> {
    const since = moment();
    const madeAt = performance.now();
    const made = await make();
    this.drop(key);
    if (isUnchanged(made.topics, since) && made.bytes <= this.maxBytes) {
      this.entries.set(key, { ...made, since, madeAt });
      this.bytes += made.bytes;
      this.shrink();
    }
    return made;
  }

  private shrink(): void {
    for (const key of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) return;
      this.drop(key);
    }
  }

  private drop(key: string): void {
    this.bytes -= this.entries.get(key)?.bytes ?? 0;
    this.entries.delete(key);
  }
}
