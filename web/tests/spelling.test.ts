import { expect, test } from "vitest";

import { alphabetOf, Speller } from "../src/text/spelling";
import { spell } from "../src/text/letters";
import { description, readJson } from "./vectors";

interface Case {
  language: string;
  text: string;
  borrow: boolean;
  letters: string[];
  leftOut: string[];
  replaced: [string, string][];
  missing: string[];
}

test.each(readJson<Case[]>("spelled.json"))("$text in $language, borrowing: $borrow", (each) => {
  const { letters, leftOut, replaced, missing } = spell(each.text, each.language, each.borrow, description);
  expect({ letters, leftOut, replaced, missing }).toEqual({
    letters: each.letters, leftOut: each.leftOut, replaced: each.replaced, missing: each.missing,
  });
});

test("every letter that can be spelled has tokens", () => {
  for (const { code } of description.stored.languages)
    for (const { letters } of description.stored.languages)
      for (const letter of letters) expect(description.stored.tokens[code][letter].ids.length).toBeGreaterThan(0);
});

test("an alphabet knows its letters by what they fold to", () => {
  const speller = new Speller([alphabetOf(["SCH", "S"], false)], new Set(), false, false);
  expect(speller.spell("schs").letters).toEqual(["SCH", "S"]);
});
