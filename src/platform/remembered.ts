const TEXTS_MAX = 1000;
const TEXT_MAX = 300;

/**
 * The same function, which remembers what it made by some text of its input: for headers, of which all visitors send
 * the same few. Nobody can fill the memory with it: long texts are not remembered, and of a thousand all are forgotten.
 *
 * @param make depends on nothing but that text
 */
export function remembered<Input, Value>(
  textOf: (input: Input) => string,
  make: (input: Input) => Value,
): (input: Input) => Value {
  const known = new Map<string, Value>();
  return (input) => {
    const text = textOf(input);
    const value = known.get(text) ?? make(input);
    if (text.length > TEXT_MAX) return value;
    if (known.size >= TEXTS_MAX) known.clear();
    known.set(text, value);
    return value;
  };
}
