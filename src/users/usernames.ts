/** 2 to 32 letters, marks, digits, `_`, `.` or `-`, counted as characters (code points). */
const SHAPE = /^[\p{L}\p{M}\p{Nd}_.-]{2,32}$/u;
const KEY_MAX = 64;
const NEVER_FRESH = 255;

/** A name as it is shown: trimmed and NFC-normalised; null where it is not a valid name. */
export function parseUsername(typed: string): string | null {
  const username = typed.trim().normalize("NFC");
  const key = usernameKey(username);
  const fits = SHAPE.test(username) && key !== "" && [...key].length <= KEY_MAX;
  return fits ? username : null;
}

/**
 * What makes two names the same: compatibility forms, accents (U+0300 to U+036F) and case do not count, and a
 * sigma is one letter whether or not it ends a word. Blanks are trimmed last, because some letters are one once
 * their accent is gone, and the database takes names that differ only in blanks at the end for the same.
 * Computed here and not by a collation, so that uniqueness, login, search and limits all mean the same.
 */
export function usernameKey(username: string): string {
  return username
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replaceAll("ς", "σ")
    .normalize("NFC")
    .trim();
}

/** One ending of a name's key. */
export interface Suffix {
  suffix: string;
  /** The shortest beginning of the suffix, in characters, that stands nowhere earlier in the key. */
  freshFrom: number;
}

/**
 * Every ending of a key but the whole: a search for any part of a name is a prefix range over these. A search
 * of n characters takes a suffix only where `freshFrom <= n`, so a name that contains it twice is found once.
 */
export function suffixesOf(key: string): Suffix[] {
  const characters = [...key];
  return characters.slice(1).map((_character, index) => {
    const suffix = characters.slice(index + 1);
    const offset = characters.slice(0, index + 1).join("").length;
    return { suffix: suffix.join(""), freshFrom: freshFrom(key, suffix, offset) };
  });
}

function freshFrom(key: string, suffix: string[], offset: number): number {
  const isFresh = (length: number) => key.indexOf(suffix.slice(0, length).join("")) === offset;
  // A suffix that also stands earlier as a whole is longer than any search can be.
  const lengths = suffix.map((_character, index) => index + 1);
  return lengths.find(isFresh) ?? NEVER_FRESH;
}
