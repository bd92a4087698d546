import { createHash } from "node:crypto";
import { makeDialogues } from "../../src/demo/dialogues.ts";
import type { Dice } from "../../src/demo/random.ts";
import { parseMessageText } from "../../src/messages/message-text.ts";

/** Something said by the first (0) or the second (1) of two people. */
export interface Saying {
  speaker: 0 | 1;
  text: string;
  /** SHA-256 of the text, in hexadecimal digits. */
  hash: string;
}

const LANGUAGES = ["en", "fr", "de"];
const DIALOGUES = 300;
/** Shorter ones are left out, so that the mean is around 60 bytes. */
const SHORTEST = 30;

/** What everybody says, over and over: lines of dialogues in several languages, around 60 bytes each. */
export function makeSayings(dice: Dice): Saying[] {
  const lines = LANGUAGES.flatMap((language) => makeDialogues(dice, language, DIALOGUES)).flat();
  const long = lines.filter(({ text }) => text.length >= SHORTEST);
  return long.map(({ speaker, text: typed }) => {
    const text = parseMessageText(typed);
    return { speaker, text, hash: createHash("sha256").update(text).digest("hex") };
  });
}
