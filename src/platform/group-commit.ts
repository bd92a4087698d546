import { Refusal } from "./errors.ts";

export interface GroupCommitOptions<Item, Outcome> {
  /** Stores a batch; its outcomes stand in the order of the items. It never rejects for one item's sake. */
  commit: (items: Item[]) => Promise<Outcome[]>;
  /** Told of outcomes, in order, just before those who wait for them. */
  announce?: (outcomes: Outcome[]) => void;
  sizeOf: (item: Item) => number;
  batchItems: number;
  batchBytes: number;
  /** Beyond these, what comes is refused at once instead of waiting without end. */
  queueItems: number;
  queueBytes: number;
  /** Longest time an item waits for its turn, in ms. */
  waitMs: number;
}

interface Waiting<Item, Outcome> {
  item: Item;
  size: number;
  since: number;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/** Outcomes told in one turn of the event loop. */
const TOLD_AT_ONCE = 32;

/**
 * One commit at a time: what arrives while it is under way waits and makes the next batch. No timer delays
 * anything; a batch is as large as the load makes it. The outcomes of a large one are told a few at a time, so
 * that the next commit is on its way meanwhile.
 */
export class GroupCommit<Item, Outcome> {
  private readonly options: GroupCommitOptions<Item, Outcome>;
  private queue: Waiting<Item, Outcome>[] = [];
  private queuedBytes = 0;
  private running: Promise<void> | null = null;
  private telling: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(options: GroupCommitOptions<Item, Outcome>) {
    this.options = options;
  }

  /**
   * Stores an item with the next batch.
   *
   * @throws Refusal `unavailable` when the queue is full or closed or the item waited too long: certainly not stored
   */
  submit(item: Item): Promise<Outcome> {
    const size = this.options.sizeOf(item);
    const isFull =
      this.queue.length >= this.options.queueItems || this.queuedBytes + size > this.options.queueBytes;
    if (isFull || this.isClosed) return Promise.reject(new Refusal("unavailable", "chat.error.unavailable"));
    return new Promise((resolve, reject) => {
      this.queue.push({ item, size, since: performance.now(), resolve, reject });
      this.queuedBytes += size;
      this.running ??= this.run();
    });
  }

  /** Takes nothing more, so that a load that goes on cannot keep a stop waiting; resolves once all have answers. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.drain();
  }

  /** Resolves once nothing waits, nothing is being committed and every outcome is told. */
  async drain(): Promise<void> {
    do {
      await this.running;
      await this.telling;
    } while (this.running);
  }

  private async run(): Promise<void> {
    const refuseLate = setInterval(() => this.refuseLate(), this.options.waitMs / 8);
    // What arrives within one turn of the event loop belongs together already.
    await new Promise(setImmediate);
    while (this.queue.length > 0) await this.commit(this.takeBatch());
    clearInterval(refuseLate);
    this.running = null;
  }

  private takeBatch(): Waiting<Item, Outcome>[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.queue) {
      if (count > 0 && (count >= this.options.batchItems || bytes + waiting.size > this.options.batchBytes))
        break;
      bytes += waiting.size;
      count += 1;
    }
    this.queuedBytes -= bytes;
    return this.queue.splice(0, count);
  }

  private async commit(batch: Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.options.commit(batch.map((waiting) => waiting.item));
      this.telling = this.telling.then(() => this.tell(batch, outcomes));
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  private async tell(batch: Waiting<Item, Outcome>[], outcomes: Outcome[]): Promise<void> {
    for (let start = 0; start < batch.length; start += TOLD_AT_ONCE) {
      if (start > 0) await new Promise(setImmediate);
      const some = outcomes.slice(start, start + TOLD_AT_ONCE);
      this.options.announce?.(some);
      for (const [index, waiting] of batch.slice(start, start + TOLD_AT_ONCE).entries()) {
        const outcome = some[index];
        if (outcome === undefined) waiting.reject(new Error("a batch must have an outcome for each item"));
        else waiting.resolve(outcome);
      }
    }
  }

  private refuseLate(): void {
    const oldest = performance.now() - this.options.waitMs;
    const late = this.queue.findIndex((waiting) => waiting.since > oldest);
    const refused = this.queue.splice(0, late === -1 ? this.queue.length : late);
    for (const waiting of refused) {
      this.queuedBytes -= waiting.size;
      waiting.reject(new Refusal("unavailable", "chat.error.unavailable"));
    }
  }
}
