import { correct, TEXT_STEPS, type Cleaned } from './cleaning.ts';
import { foldText } from './text.ts';

const words = {
  male: ['m', 'man', 'mr', '男', '男性', '男士', '先生'],
  female: ['f', 'woman', 'ms', 'mrs', 'miss', '女', '女性', '女士', '小姐'],
  other: ['others', 'non-binary', 'nonbinary', '其他', '其它'],
};
const genderOf = new Map(
  Object.entries(words).flatMap(([gender, names]) =>
    [gender, ...names].map((name) => [foldText(name), gender] as const),
  ),
);

/** A gender in one vocabulary, `male`, `female` or `other`, for the common words of English and Chinese; others stay. */
export const cleanGender = (raw: string): Cleaned<never> => ({
  ...correct(raw, [...TEXT_STEPS, ['gender', (text) => genderOf.get(foldText(text).replace(/\.$/, '')) ?? text]]),
  suggestions: [],
  problem: null,
});
