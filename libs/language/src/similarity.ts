const PREFIX = 4;
const PREFIX_WEIGHT = 0.1;
const BOOST_FROM = 0.7;

let taken = new Uint8Array(64);

/**
 * Jaro's similarity with Winkler's reward for a common beginning, 0 to 1, over UTF-16 units. As in M. A. Jaro (1989) and
 * W. E. Winkler (1990): the reward counts up to four letters, and only where Jaro's similarity is above .7.
 * @example jaroWinkler('martha', 'marhta') // .961
 */
export function jaroWinkler(a: string, b: string): number {
  if (a === b) return 1;
  const jaro = jaroSimilarity(a, b);
  if (jaro <= BOOST_FROM) return jaro;
  let prefix = 0;
  const longest = Math.min(PREFIX, a.length, b.length);
  while (prefix < longest && a.charCodeAt(prefix) === b.charCodeAt(prefix)) prefix += 1;
  return jaro + prefix * PREFIX_WEIGHT * (1 - jaro);
}

function jaroSimilarity(a: string, b: string): number {
  if (a.length === 0 || b.length === 0) return 0;
  if (taken.length < a.length + b.length) taken = new Uint8Array(2 * (a.length + b.length));
  taken.fill(0, 0, a.length + b.length);
  const reach = Math.max(0, (Math.max(a.length, b.length) >> 1) - 1);
  let common = 0;
  for (let i = 0; i < a.length; i++) {
    const unit = a.charCodeAt(i);
    const last = Math.min(b.length - 1, i + reach);
    for (let j = Math.max(0, i - reach); j <= last; j++) {
      if (taken[a.length + j] !== 0 || b.charCodeAt(j) !== unit) continue;
      taken[i] = taken[a.length + j] = 1;
      common += 1;
      break;
    }
  }
  if (common === 0) return 0;
  let outOfOrder = 0;
  for (let i = 0, j = 0; i < a.length; i++) {
    if (taken[i] === 0) continue;
    while (taken[a.length + j] === 0) j += 1;
    if (a.charCodeAt(i) !== b.charCodeAt(j)) outOfOrder += 1;
    j += 1;
  }
  return (common / a.length + common / b.length + (common - outOfOrder / 2) / common) / 3;
}

/**
 * Whether two texts are the same but for one edit: a unit put in, left out, replaced, or two neighbours swapped
 * (Damerau-Levenshtein distance of at most 1, in UTF-16 units). Linear, where the distance itself is quadratic.
 */
export function isWithinOneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && start < b.length && a.charCodeAt(start) === b.charCodeAt(start)) start += 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a.charCodeAt(endA - 1) === b.charCodeAt(endB - 1)) {
    endA -= 1;
    endB -= 1;
  }
  if (endA - start <= 1 && endB - start <= 1) return true;
  const isPair = endA - start === 2 && endB - start === 2;
  return isPair && a[start] === b[start + 1] && a[start + 1] === b[start];
}

const CODES: Readonly<Record<string, string>> = Object.fromEntries(
  ['bfpv', 'cgjkqsxz', 'dt', 'l', 'mn', 'r'].flatMap((letters, i) =>
    [...letters].map((letter) => [letter, `${i + 1}`]),
  ),
);

/**
 * American Soundex of a word in a to z, as the U.S. National Archives code it: h and w keep equal codes together, vowels
 * part them. '' when there is no such letter.
 * @example soundex('ashcraft') // 'a261'
 */
export function soundex(word: string): string {
  const letters = word.replace(/[^a-z]/g, '');
  let code = letters.slice(0, 1);
  let previous = CODES[code];
  for (const letter of letters.slice(1)) {
    if (letter === 'h' || letter === 'w') continue;
    const next = CODES[letter];
    if (next !== undefined && next !== previous) code += next;
    previous = next;
  }
  return code === '' ? '' : code.slice(0, 4).padEnd(4, '0');
}
