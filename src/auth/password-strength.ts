import { Worker } from "node:worker_threads";
import { DeadlineExceeded, withDeadline } from "../platform/deadline.ts";
import { Refusal } from "../platform/errors.ts";
import { log } from "../platform/log.ts";

/**
 * Refuses passwords that are tried first: those of known leaks, and what is made from them, from names, rows of
 * keys, repetitions or dates. It knows 49,000 leaked ones by heart and asks nobody.
 */

/** What the worker is asked. */
export interface Question {
  id: number;
  password: string;
  /** Words that this person's password must not be made of. */
  related: string[];
}

/** What it answers: from 0 (fewer than a thousand guesses) to 4 (more than ten thousand million). */
export interface Estimate {
  id: number;
  score: number;
}

/** A million guesses: more than the limits on logins let anybody make. */
const SCORE_MIN = 2;
/** The first one waits until the dictionaries are loaded, also on a small machine that is busy. */
const ANSWER_MS = 15_000;
/** The worker's dictionaries take about 50 MB; hardly anybody chooses a password twice a minute. */
const KEPT_MS = 60_000;
const WAITING_MAX = 100;

/** @throws Refusal `invalid` for a password that is guessed soon, `unavailable` when too many wait */
export async function refuseGuessable(password: string, username: string): Promise<void> {
  const { score } = await estimate(password, [username, "causerie"]);
  if (score < SCORE_MIN) throw new Refusal("invalid", "auth.error.passwordCommon");
}

interface Waiting {
  resolve: (estimate: Estimate) => void;
  reject: (error: unknown) => void;
}

let worker: Worker | undefined;
let idle: NodeJS.Timeout | undefined;
let asked = 0;
const waiting = new Map<number, Waiting>();

async function estimate(password: string, related: string[]): Promise<Estimate> {
  if (waiting.size >= WAITING_MAX) throw new Refusal("unavailable", "auth.error.busy");
  asked += 1;
  const id = asked;
  worker ??= startWorker();
  worker.postMessage({ id, password, related } satisfies Question);
  clearTimeout(idle);
  try {
    const answer = new Promise<Estimate>((resolve, reject) => waiting.set(id, { resolve, reject }));
    return await withDeadline(answer, ANSWER_MS, "the estimate of a password");
  } catch (error) {
    if (error instanceof DeadlineExceeded) end(worker, error);
    throw new Refusal("unavailable", "auth.error.busy", {}, error);
  } finally {
    waiting.delete(id);
    idle = setTimeout(() => end(worker, new Error("not needed")), KEPT_MS).unref();
  }
}

/** Not on the event loop, where one estimate would hold up everybody's messages; started when first needed. */
function startWorker(): Worker {
  const started = new Worker(new URL("./password-estimator.ts", import.meta.url));
  started.unref();
  started.on("message", (answer: Estimate) => waiting.get(answer.id)?.resolve(answer));
  started.on("error", (error) => {
    log.error({ reason: String(error) }, "passwords could not be estimated");
    end(started, error);
  });
  return started;
}

function end(ended: Worker | undefined, reason: unknown): void {
  if (!ended || ended !== worker) return;
  worker = undefined;
  for (const { reject } of waiting.values()) reject(reason);
  void ended.terminate();
}
