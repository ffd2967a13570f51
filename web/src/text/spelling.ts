/** Spells words with the letters of an alphabet, as `text_to_pose.text.spelling` and `text_to_pose.text.letters`. */

export const WORD_SPACE = " "; // among the signs of a text: a pause between two words
const TATWEEL = "ـ";
const VOWEL_SIGNS = /^[\u064b-\u0652\u0670]$/; // of Arabic, where no letter carries them
const JOINERS = new Set(["\u200d", "\ufe0e", "\ufe0f"]);
const SIMILAR: Record<string, string> = { ß: "ss", æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ı: "i", ħ: "h" };

export interface Spelling {
  /** As the alphabet writes them, `WORD_SPACE` between words. */
  letters: string[];
  /** Punctuation and the like. */
  leftOut: string[];
  /** Characters that are spelled with other letters, and with which. */
  replaced: [string, string][];
  /** Characters that no letter was found for. */
  missing: string[];
}

/** Letters by what they fold to, the preferred alphabet first. */
export type Alphabet = Map<string, string>;

/** Folds case and composition: spellings of one letter become one string. */
export function fold(text: string, turkic: boolean): string {
  text = text.normalize("NFC");
  if (turkic) text = text.replaceAll("i", "İ").replaceAll("ı", "I");
  return [...text].map((character) => character.toLowerCase()).join("").replaceAll("ς", "σ");
}

export function alphabetOf(letters: string[], turkic: boolean): Alphabet {
  return new Map(letters.map((letter) => [fold(letter, turkic), letter]));
}

export class Speller {
  /**
   * @param known folded letters of all languages; one of several characters is missing as a whole
   * @param replaceAccents spell a letter that no alphabet has without its accents
   */
  constructor(
    private readonly alphabets: Alphabet[],
    private readonly known: Set<string>,
    private readonly turkic: boolean,
    private readonly replaceAccents: boolean,
  ) {}

  /** Each letter is the longest that fits. */
  spell(text: string): Spelling {
    const result: Spelling = { letters: [], leftOut: [], replaced: [], missing: [] };
    for (const word of text.split(/\s+/u).filter(Boolean)) {
      if (result.letters.length && result.letters.at(-1) !== WORD_SPACE) result.letters.push(WORD_SPACE);
      let rest = [...fold(word, this.turkic)];
      while (rest.length) rest = this.spellStart(rest, result);
    }
    if (result.letters.at(-1) === WORD_SPACE) result.letters.pop();
    return result;
  }

  private spellStart(word: string[], result: Spelling): string[] {
    const letter = this.longestLetter(word);
    if (letter) {
      result.letters.push(letter.written);
      return word.slice(letter.size);
    }
    for (let size = word.length; size > 1; size--) {
      const several = word.slice(0, size).join("");
      if (!this.known.has(several)) continue;
      add(result.missing, several); // one letter of another language
      return word.slice(size);
    }
    const [character, ...rest] = word;
    const replacement = this.replacement(character);
    if (isNoLetter(character) || (this.replaceAccents && !replacement)) add(result.leftOut, character);
    else if (this.canSpell(replacement)) {
      if (!result.replaced.some(([one]) => one === character)) result.replaced.push([character, replacement]);
      return [...replacement, ...rest];
    } else add(result.missing, character);
    return rest;
  }

  private longestLetter(word: string[]): { size: number; written: string } | undefined {
    for (const letters of this.alphabets)
      for (let size = word.length; size > 0; size--) {
        const written = letters.get(word.slice(0, size).join(""));
        if (written !== undefined) return { size, written };
      }
    return undefined;
  }

  private replacement(character: string): string {
    let plain = character.normalize("NFKC").toLowerCase();
    if (/^\p{Script=Greek}/u.test(plain)) plain = withoutAccents(plain); // which no alphabet counts as letters
    return this.replaceAccents && !this.canSpell(plain) ? withoutAccents(plain) : plain;
  }

  private canSpell(text: string): boolean {
    return text !== "" && [...text].every((character) => this.alphabets.some((letters) => letters.has(character)));
  }
}

function isNoLetter(character: string): boolean {
  return /^[\p{P}\p{S}]/u.test(character) || VOWEL_SIGNS.test(character) || JOINERS.has(character) || character === TATWEEL;
}

function withoutAccents(character: string): string {
  return SIMILAR[character] ?? character.normalize("NFD").replace(/\p{Mn}/gu, "");
}

function add(list: string[], item: string): void {
  if (!list.includes(item)) list.push(item);
}
