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
export async function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded(`${what} did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
