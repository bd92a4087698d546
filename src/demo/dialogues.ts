import { readdirSync, readFileSync } from "node:fs";
import type { Dice } from "./random.ts";

/** One thing said: by the first (0) or the second (1) of two people. */
export interface Line {
  speaker: 0 | 1;
  text: string;
}

interface Script {
  dialogues: Line[][];
  /** What may stand for each `{word}`. */
  words: Map<string, string[]>;
}

const FOLDER = new URL("./dialogues/", import.meta.url);

const scripts = new Map<string, Script>();
for (const file of readdirSync(FOLDER)) {
  scripts.set(file.replace(/\.txt$/, ""), parseScript(readFileSync(new URL(file, FOLDER), "utf8")));
}

/** Some dialogues in a language, none again before all were had; any two people may be its speakers. */
export function makeDialogues(dice: Dice, language: string, count: number): Line[][] {
  const script = scripts.get(language);
  if (!script) throw new Error(`there are no dialogues in ${language}`);
  const chosen: Line[][] = [];
  while (chosen.length < count) chosen.push(...dice.shuffle(script.dialogues));
  return chosen.slice(0, count).map((dialogue) => perform(dice, script, dialogue));
}

/** The words are the same throughout a dialogue; who begins is a matter of chance. */
function perform(dice: Dice, script: Script, dialogue: Line[]): Line[] {
  const words = new Map([...script.words].map(([word, choices]) => [`{${word}}`, dice.pick(choices)]));
  const isSwapped = dice.chance(0.5);
  return dialogue.map(({ speaker, text }) => ({
    speaker: (speaker === 0) === isSwapped ? 1 : 0,
    text: text.replace(/\{[^}\s]+\}/gu, (word) => words.get(word) ?? word),
  }));
}

/** Files hold words (`{place} = one | another`), then dialogues with an empty line between; `\n` breaks a line. */
function parseScript(text: string): Script {
  const lines = text.split("\n");
  const words = lines.flatMap((line): [string, string[]][] => {
    const [, word, choices] = /^\{(.+?)\} = (.+)$/u.exec(line) ?? [];
    return word && choices ? [[word, choices.split(" | ")]] : [];
  });
  const paragraphs = text.split(/\n{2,}/).map((paragraph) => paragraph.split("\n").flatMap(parseLine));
  return { words: new Map(words), dialogues: paragraphs.filter((dialogue) => dialogue.length > 0) };
}

function parseLine(line: string): Line[] {
  const [, speaker, text] = /^([AB]): (.+)$/u.exec(line) ?? [];
  return text ? [{ speaker: speaker === "A" ? 0 : 1, text: text.replaceAll("\\n", "\n") }] : [];
}
