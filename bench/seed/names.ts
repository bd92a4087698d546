const SYLLABLES = [
  "ma",
  "ri",
  "an",
  "jo",
  "le",
  "na",
  "ti",
  "sa",
  "ko",
  "be",
  "lu",
  "do",
  "mi",
  "ra",
  "el",
  "vi",
];
const PLACES = 2 ** 17;
/** Odd, so that no two numbers meet, and near the golden section, so that neighbours land far apart. */
const STEP = 81_007;

/** The name of a person by number, up to 131,071; no other number has it, and any range of numbers has all kinds. */
export function nameOf(id: number): string {
  let rest = (id * STEP) % PLACES;
  let name = "";
  for (let place = 0; place < 4; place += 1) {
    name += SYLLABLES[rest % SYLLABLES.length] ?? "";
    rest = Math.floor(rest / SYLLABLES.length);
  }
  return `${name}${rest}`;
}
