/** Thrown when something did not answer in time. */
export class DeadlineExceeded extends Error {
  override name = "DeadlineExceeded";
}

/**
 * Waits for a promise, but no longer than `ms`. The work itself is not cancelled; whoever owns it must
 * make sure that a late answer does no harm.
 *
 * @param what names the thing waited for, for the error's text
 * @throws DeadlineExceeded after `ms` milliseconds
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  // One promise, as this stands around every statement and every command: a race of two is twice as dear.
  return new Promise((resolve, reject) => {
    // What came while this process was too busy to read it has come in time: it is read before the refusal.
    const late = () =>
      setImmediate(() => reject(new DeadlineExceeded(`${what} did not answer within ${ms} ms`)));
    const timer = setTimeout(late, ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
