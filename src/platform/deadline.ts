/** Thrown when something did not answer in time. */
export class DeadlineExceeded extends Error {
  override name = "DeadlineExceeded";
}

/**
 * Waits for a promise, but no longer than `ms`, and as long again as this process was late to notice. The work itself
 * is not cancelled; whoever owns it must make sure that a late answer does no harm.
 *
 * @param what names the thing waited for, for the error's text
 * @throws DeadlineExceeded after `ms` milliseconds in which nothing came
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  // One promise, as this stands around every statement and every command: a race of two is twice as dear.
  return new Promise((resolve, reject) => {
    const due = performance.now() + ms;
    const giveUp = () => reject(new DeadlineExceeded(`${what} did not answer within ${ms} ms`));
    // As long as this process was too busy to look, it could neither ask nor read: that does not count.
    const late = () => {
      timer = setTimeout(() => setImmediate(giveUp), performance.now() - due);
    };
    let timer = setTimeout(late, ms);
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
