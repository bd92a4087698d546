/**
 * Answers the questions of one turn of the event loop together: when thousands come at once, so many single questions
 * would keep each other waiting.
 *
 * @param load answers for each key, asked about once; what it throws is told to all who asked
 * @returns asks about one key; undefined where `load` says nothing of it
 */
export function batched<Key, Value>(
  load: (keys: Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  let waiting = new Map<Key, PromiseWithResolvers<Value | undefined>>();
  const ask = async () => {
    const asked = waiting;
    waiting = new Map();
    try {
      const values = await load([...asked.keys()]);
      for (const [key, { resolve }] of asked) resolve(values.get(key));
    } catch (error) {
      for (const { reject } of asked.values()) reject(error);
    }
  };
  return (key) => {
    if (waiting.size === 0) setImmediate(ask);
    const question = waiting.get(key) ?? Promise.withResolvers<Value | undefined>();
    waiting.set(key, question);
    return question.promise;
  };
}
