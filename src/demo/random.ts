/** Chance that is the same in every run: from one seed follow the same people and the same talks. */
export interface Dice {
  /** A whole number from `low` to `high`, both included. */
  integer: (low: number, high: number) => number;
  /** True with this probability, 0 to 1. */
  chance: (probability: number) => boolean;
  /** One of these, which must not be empty. */
  pick: <T>(choices: readonly T[]) => T;
  /** The same things in another order. */
  shuffle: <T>(things: readonly T[]) => T[];
  bytes: (count: number) => Buffer;
}

/** Dice that always fall alike for a seed (Tommy Ettinger's mulberry32). */
export function seededDice(seed: number): Dice {
  let state = seed;
  const roll = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (low: number, high: number) => low + Math.floor(roll() * (high - low + 1));
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => integer(0, 255)));
  return { integer, chance: (probability) => roll() < probability, pick, shuffle, bytes };

  function pick<T>(choices: readonly T[]): T {
    const found = choices[integer(0, choices.length - 1)];
    if (found === undefined) throw new RangeError("nothing to pick from");
    return found;
  }

  function shuffle<T>(things: readonly T[]): T[] {
    const keyed = things.map((thing) => ({ thing, key: roll() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ thing }) => thing);
  }
}

/** A UUID, version 4, as its 16 bytes. */
export function randomUuid(dice: Dice): Buffer {
  const bytes = dice.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
