import type { Description } from "../model/description";
import { alphabetOf, Speller, type Spelling } from "./spelling";

/** The letters of a text in a language, as `TextTokenizer.spell`; `borrow`: those it lacks as other languages have them. */
export function spell(text: string, language: string, borrow: boolean, { stored }: Description): Spelling {
  const isTurkic = (code: string) => stored.turkic.includes(code);
  const own = stored.languages.find(({ code }) => code === language)!;
  const alphabets = [alphabetOf(own.letters, isTurkic(language))];
  if (borrow) {
    const others = stored.languages.flatMap(({ code, letters }) => [...alphabetOf(letters, isTurkic(code))]);
    alphabets.push(new Map(others));
  }
  return new Speller(alphabets, new Set(stored.letters), isTurkic(language), borrow).spell(text);
}

/** What a person should know of a spelling, or "". */
export function remarkOn({ leftOut, replaced }: Spelling): string {
  const remarks = [];
  if (leftOut.length) remarks.push(`left out, being no letters: ${leftOut.join(" ")}`);
  if (replaced.length) remarks.push(`spelled with other letters: ${replaced.map(([one, other]) => `${one} as ${other.toUpperCase()}`).join(", ")}`);
  return remarks.join("; ");
}
