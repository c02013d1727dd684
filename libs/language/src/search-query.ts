import { emailToken } from './emails.ts';
import { backwards, grams, term, type TAGS } from './search-terms.ts';
import { spellings } from './search-tokens.ts';
import { foldText, isUnspaced, splitWords } from './text.ts';
import { typoTerms } from './typos.ts';

/**
 * What a match is worth, by where it was found and how. Exact above prefix above typo; `part` is a name or text that holds
 * the characters somewhere inside.
 */
export const SCORES = {
  whole: { exact: 100, prefix: 65 },
  name: { exact: 90, prefix: 60, part: 50, typo: 15 },
  pinyin: { exact: 70, prefix: 40 },
  initials: { exact: 45, prefix: 30 },
  code: { exact: 100, prefix: 55 },
  email: { exact: 100, prefix: 50 },
  phone: { exact: 100, prefix: 50 },
  text: { exact: 35, prefix: 25, part: 25 },
  /** the words of a compound (a.b, 12-3), each somewhere */
  compound: { part: 20 },
} as const;

export type SearchField = keyof typeof SCORES;
export type SearchTier = 'exact' | 'prefix' | 'part' | 'typo';

/** Terms of which a record has to have one, or, when `prefix`, a term that begins with one. */
export interface TermGroup {
  prefix: boolean;
  anyOf: readonly string[];
}

/** One way to match: every group of `allOf` is met. */
export interface Alternative {
  field: SearchField;
  tier: SearchTier;
  score: number;
  allOf: readonly TermGroup[];
}

/** A word of the query. It matches by any of its alternatives, which stand best first; a clause not `required` only adds. */
export interface Clause {
  required: boolean;
  alternatives: readonly Alternative[];
}

/**
 * A query, ready for an engine. A record matches when every required clause does. Its score is the sum, over the clauses
 * that match, required or not, of the highest `score` among the clause's matching alternatives: a whole number that each
 * engine computes alike. Order by score descending, then by id.
 *
 * Elasticsearch: `bool.must` (required) and `bool.should` of a `dis_max` (tie breaker 0) a clause, whose queries are
 * `constant_score { boost: score, filter }`; a group is `terms` or a `bool.should` of `prefix`es, `allOf` a `bool.filter`.
 * Postgres: `tokens @@ query` finds, with required clauses joined by `&`, alternatives by `|`, groups by `&`, terms by `|`, as
 * `'Nzhang'` or `'Nzhang':*`; to score,
 * `sum(CASE WHEN tokens @@ alternative THEN score … END)`, alternatives best first.
 */
export interface QueryPlan {
  /**
   * True when the query has no letter or digit (empty, punctuation, emoji). Such a plan has no clauses and sets no condition:
   * every record matches, with score 0. A list shows everything then; a search box shows nothing.
   */
  empty: boolean;
  clauses: readonly Clause[];
}

type Tag = keyof typeof TAGS;

const MOST_CLAUSES = 12;
const SHORTEST_TAIL = 4;
const MOST_DIGITS = 20;
const NUMERIC = /^[+(]*[\d()\-./+]*\d[\d()\-./]*$/;

/**
 * Takes a query apart: one clause a word, all must match. Digits typed with blanks and dashes count as one number; a chunk
 * that looks like an e-mail address, a domain or a code as one word; runs of Han as one word each. At most twelve words
 * count, the rest is ignored.
 */
export function analyseQuery(q: string): QueryPlan {
  const required = queryWords(q)
    .slice(0, MOST_CLAUSES)
    .map((word) => ({ required: true, alternatives: alternativesFor(word) }));
  if (required.length < 2) return { empty: required.length === 0, clauses: required };
  const closed = folds(q).map((words) => words.join(''));
  const inOneGo = best([any('whole', 'exact', closed), any('pinyin', 'exact', closed)]);
  return { empty: false, clauses: [...required, { required: false, alternatives: inOneGo }] };
}

/** A word of a query: a number that may be a phone's, a compound held together by punctuation, or a plain word; as typed. */
export interface QueryWord {
  kind: 'number' | 'compound' | 'plain';
  text: string;
}

/** Splits a query into what its clauses are made from. Words are as typed but for their width; each holds a letter or a digit. */
export function queryWords(q: string): QueryWord[] {
  const chunks = q
    .toWellFormed()
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .split(/\s+/)
    .filter((chunk) => splitWords(chunk).length > 0);
  const words: QueryWord[] = [];
  for (let i = 0; i < chunks.length;) {
    let end = i;
    while (end < chunks.length && NUMERIC.test(chunks[end]!.replace(/\p{Pd}/gu, '-'))) end++;
    const number = chunks.slice(i, end).join(' ');
    const digits = number.replace(/\D/g, '').length;
    if (end > i && number !== digitsOf(number) && digits >= SHORTEST_TAIL && digits <= MOST_DIGITS) {
      words.push({ kind: 'number', text: number });
      i = end;
    } else {
      words.push(...wordsOfChunk(chunks[i]!));
      i++;
    }
  }
  return words;
}

function wordsOfChunk(chunk: string): QueryWord[] {
  const parts = splitWords(chunk);
  const together =
    chunk.includes('@') ||
    (!isUnspaced(chunk) && /[\d._]/.test(chunk.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')));
  if (parts.length > 1 && together) return [{ kind: 'compound', text: chunk }];
  // Words are cut from the composed text, to keep the umlauts for their other spellings.
  const asTyped =
    chunk.match(/[\p{L}\p{N}\p{M}]+/gu)?.flatMap((word) => (isUnspaced(word) ? splitWords(word) : [word])) ?? [];
  return asTyped.filter((word) => splitWords(word).length > 0).map((text) => ({ kind: 'plain', text }));
}

function alternativesFor({ kind, text }: QueryWord): Alternative[] {
  const forms = folds(text);
  const closed = [...new Set(forms.map((words) => words.join('')))];
  if (kind === 'plain') return best(isUnspaced(closed[0]!) ? unspaced(closed[0]!) : spaced(closed));
  const together = kind === 'number' ? phone(text) : email(emailToken(foldText(text)));
  return best([
    ...together,
    ...startingWith('code', closed),
    ...startingWith('whole', closed),
    alternative('compound', 'part', apart(forms[0]!, kind)),
  ]);
}

/** The words of a compound, each somewhere: whole but for the last, which may be unfinished; numbers may be a phone's each. */
function apart(words: readonly string[], kind: QueryWord['kind']): TermGroup[] {
  return words.flatMap((word, i) => {
    if (isUnspaced(word)) return bigrams(word, ['nameGram', 'textGram']);
    const anyOf = [term('name', word), term('text', word), term('code', word)];
    if (kind === 'number') return [{ prefix: true, anyOf: [...anyOf, ...phoneTerms(word)] }];
    return [{ prefix: i === words.length - 1, anyOf }];
  });
}

function spaced(forms: string[]): Alternative[] {
  const [word] = forms as [string];
  const { deletions, words } = typoTerms(word);
  const misspelt = [...deletions.map((text) => term('typo', text)), ...words.map((text) => term('name', text))];
  const letters = /^[a-z]+$/.test(word);
  const found = [
    ...startingWith('name', forms),
    ...startingWith('code', forms),
    ...(letters ? startingWith('pinyin', forms) : []),
  ];
  // A single letter begins too many words for the rest to be of use.
  if ([...word].length === 1) return [...found, any('whole', 'exact', forms), any('text', 'exact', forms)];
  return [
    ...found,
    ...startingWith('whole', forms),
    ...startingWith('text', forms),
    ...email(...forms),
    ...(/^\d+$/.test(word) ? phone(word) : []),
    ...(letters ? startingWith('initials', [word]) : []),
    ...(misspelt.length > 0 ? [alternative('name', 'typo', [{ prefix: false, anyOf: misspelt }])] : []),
  ];
}

function unspaced(word: string): Alternative[] {
  return [
    ...startingWith('whole', [word]),
    ...startingWith('name', [word]),
    ...startingWith('code', [word]),
    ...email(word),
    alternative('name', 'part', bigrams(word, ['nameGram'])),
    alternative('text', 'part', bigrams(word, ['textGram'])),
  ];
}

/** All bigrams of a word; a single character is the beginning of one. */
function bigrams(word: string, tags: readonly Tag[]): TermGroup[] {
  const all = grams(word);
  const group = (gram: string, prefix: boolean) => ({ prefix, anyOf: tags.map((tag) => term(tag, gram)) });
  return all.length === 1 ? [group(word, true)] : all.slice(0, -1).map((gram) => group(gram, false));
}

function email(...tokens: string[]): Alternative[] {
  return [any('email', 'exact', tokens), any('email', 'prefix', tokens, ['email', 'emailEnd'])];
}

function phone(text: string): Alternative[] {
  const anyOf = phoneTerms(text);
  if (anyOf.length === 0) return [];
  return [
    alternative('phone', 'exact', [{ prefix: false, anyOf }]),
    alternative('phone', 'prefix', [{ prefix: true, anyOf }]),
  ];
}

/** From four digits on. A trunk zero, an exit code or a Russian 8 does not hinder; shorter tails keep their zeros. */
function phoneTerms(text: string): string[] {
  const digits = digitsOf(text.replace(/\(0\)/, ''));
  const heads = [digits.replace(/^0+/, ''), digits.replace(/^(011|8(?=\d{10}$))/, '')];
  const numbers = [digits, ...heads.filter((head) => head.length >= 7)];
  const terms = [
    ...numbers.map((number) => [number, term('phoneTail', backwards(number))]),
    ...[digits, ...heads].map((number) => [number, term('phone', number)]),
  ];
  return [...new Set(terms.filter(([number]) => number!.length >= SHORTEST_TAIL).map(([, found]) => found!))];
}

const digitsOf = (text: string) => text.replace(/\D/g, '');

/** The folded words of a query's text in each spelling a record may have: as typed, umlauts long, ü as pinyin's v. */
function folds(text: string): string[][] {
  const typed = text.normalize('NFC');
  return [...new Set([...spellings(typed), typed.replace(/ü/gi, 'v')])].map(splitWords);
}

type TaggedField = Extract<SearchField, Tag>;

function startingWith(field: TaggedField, texts: readonly string[]): Alternative[] {
  return [any(field, 'exact', texts), any(field, 'prefix', texts)];
}

function any(
  field: TaggedField,
  tier: 'exact' | 'prefix',
  texts: readonly string[],
  tags: readonly Tag[] = [field],
): Alternative {
  const terms = tags.flatMap((tag) => texts.map((text) => term(tag, text)));
  return alternative(field, tier, [{ prefix: tier === 'prefix', anyOf: [...new Set(terms)] }]);
}

function alternative(field: SearchField, tier: SearchTier, allOf: TermGroup[]): Alternative {
  const scores: Partial<Record<SearchTier, number>> = SCORES[field];
  return { field, tier, score: scores[tier]!, allOf };
}

const best = (alternatives: Alternative[]) => alternatives.toSorted((a, b) => b.score - a.score);
