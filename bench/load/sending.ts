import { latencyOf } from "../support/stats.ts";
import type { Figures, Sends } from "./orders.ts";
import type { Talks } from "./talks.ts";

type Sent = Pick<Figures, "done" | "seconds" | "ackP50" | "ackP99" | "otherP50" | "otherP99">;

const SETTLE_MS = 15_000;

/**
 * Keeps `inFlight` messages under way for `ms`, in conversations drawn evenly (players 2n and 2n + 1 are the
 * two of one). Counts those that were acknowledged and delivered within the time.
 */
export async function saturate(talks: Talks, pairs: number, inFlight: number, ms: number): Promise<Sent> {
  const since = performance.now();
  const end = since + ms;
  let done = 0;
  const next = () => {
    if (performance.now() >= end) return;
    const [from, to] = draw(pairs);
    talks.send(from, to, {
      onArrived: () => {
        done += 1;
        next();
      },
    });
  };
  for (let started = 0; started < inFlight; started += 1) next();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const inTime = { done, seconds: (performance.now() - since) / 1000 };
  await talks.settled(SETTLE_MS);
  return inTime;
}

/** Sends so many a second for `ms`, whatever becomes of them, and times each from when it was due. */
export async function pace(talks: Talks, pairs: number, perSecond: number, ms: number): Promise<Sent> {
  const acknowledged: number[] = [];
  const delivered: number[] = [];
  const since = performance.now();
  const paced = new Pacer(perSecond, (lateness) => {
    const [from, to] = draw(pairs);
    talks.send(from, to, {
      onAcknowledged: (took) => acknowledged.push(took + lateness),
      onDelivered: (took) => delivered.push(took + lateness),
    });
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  paced.stop();
  const seconds = (performance.now() - since) / 1000;
  await talks.settled(SETTLE_MS);
  const [ack, other] = [latencyOf(acknowledged), latencyOf(delivered)];
  return {
    ...{ done: acknowledged.length, seconds },
    ...{ ackP50: ack.p50, ackP99: ack.p99, otherP50: other.p50, otherP99: other.p99 },
  };
}

/** Messages that arrive by the way; stops with the returned function. */
export function keepSending(talksOf: (target: string) => Talks, sends: Sends[]): () => void {
  const pacers = sends.map(({ target, pairs, perSecond }) => {
    const talks = talksOf(target);
    let turn = 0;
    return new Pacer(perSecond, () => {
      const [a, b] = pairs[turn % pairs.length] ?? [0, 1];
      turn += 1;
      if (turn % 2 === 0) talks.send(a, b);
      else talks.send(b, a);
    });
  });
  return () => {
    for (const pacer of pacers) pacer.stop();
  };
}

/** Runs something at a steady rate, however late a timer fires. */
class Pacer {
  private readonly timer: NodeJS.Timeout;

  /** `run` gets how many ms ago it was due. */
  constructor(perSecond: number, run: (lateness: number) => void) {
    const since = performance.now();
    const every = 1000 / perSecond;
    let count = 0;
    this.timer = setInterval(() => {
      for (const now = performance.now(); since + count * every <= now; count += 1)
        run(now - (since + count * every));
    }, 1);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

function draw(pairs: number): [number, number] {
  const pair = Math.floor(Math.random() * pairs) * 2;
  return Math.random() < 0.5 ? [pair, pair + 1] : [pair + 1, pair];
}
