import type { Translated } from '@throughline/contracts';

/** A value, and what people call it. */
export type Choice = { value: string; label: Translated };

/** Width, case and blanks say nothing, nor does that it is a customer: 成交客户 is 成交. */
const folded = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/\s+/g, '');
const bare = (text: string): string => folded(text).replace(/(?<=.)(?:客户|customers?)$/, '');

/** The value that a cell names, by itself or by its name in any language; nothing where it is none, or could be several. */
export function choiceCell(choices: readonly Choice[], text: string): string | undefined {
  if (choices.some(({ value }) => value === text)) return text;
  for (const form of [String, folded, bare]) {
    const named = choices.filter(({ value, label }) =>
      [value, label.en, label.zh].some((name) => name !== undefined && form(name) === form(text)),
    );
    if (named.length === 1) return named[0]?.value;
  }
  return undefined;
}
