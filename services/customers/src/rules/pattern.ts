/** Whether a whole text has a form. */
export type Pattern = (text: string) => boolean;

type Test = (character: string) => boolean;
type Node = { one: Test } | { all: Node[] } | { any: Node[] } | { repeated: Node; min: number; max: number };
/** Takes one character and goes on with the next step, or goes on in several places at once. */
type Step = { one: Test } | { to: number[] };

const longestPattern = 500;
/** What repetitions are written out to. */
const mostSteps = 400;
/** Nothing that people enter is longer; whatever is, has no form. */
const longestText = 2_000;

const escape = /\\(?:[pP]\{[^}]*\}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[dDwWsStnrfv^$\\.*+?()[\]{}|/])/;
const token = new RegExp(
  `${escape.source}|\\[(?:\\\\.|[^\\]\\\\])*\\]|\\((?:\\?:)?|[)|]|(?:[*+?]|\\{\\d{1,3}(?:,\\d{0,3})?\\})\\??|[^\\\\[\\](){}*+?|]`,
  'gsu',
);
const quantifier = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??$/;

class Unreadable extends Error {}

/**
 * A regular expression that is matched in time linear in the text, whatever it says: all of its ways are followed at once, as
 * Thompson (1968) has it. It knows characters, classes, groups, alternatives and repetitions, in the notation of JavaScript
 * with the flag `u`; nothing that looks back or ahead. It has to match the whole text: `^` and `$` may stand at its ends.
 *
 * @returns undefined where it is no such pattern, or a very large one
 */
export function patternOf(source: string): Pattern | undefined {
  try {
    const steps = compiled(parsed(source));
    return (text) => text.length <= longestText && matches(steps, text);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

function parsed(source: string): Node {
  const tokens = tokensOf(source);
  let place = 0;
  const alternatives = (): Node => {
    const any = [sequence()];
    while (tokens[place] === '|') {
      place += 1;
      any.push(sequence());
    }
    return { any };
  };
  const sequence = (): Node => {
    const all: Node[] = [];
    for (let next = tokens[place]; next !== undefined && next !== ')' && next !== '|'; next = tokens[place]) {
      place += 1;
      const one = next.startsWith('(') ? group() : { one: testOf(next) };
      const times = quantifier.exec(tokens[place] ?? '');
      if (times) place += 1;
      all.push(times ? repeated(one, times) : one);
    }
    return { all };
  };
  const group = (): Node => {
    const inner = alternatives();
    if (tokens[place] !== ')') throw new Unreadable();
    place += 1;
    return inner;
  };
  const whole = alternatives();
  if (place < tokens.length) throw new Unreadable();
  return whole;
}

function tokensOf(source: string): string[] {
  const tokens: string[] = source.match(token) ?? [];
  if (source.length > longestPattern || tokens.join('') !== source) throw new Unreadable();
  const first = tokens[0] === '^' ? 1 : 0;
  const inner = tokens.slice(first, tokens.at(-1) === '$' ? -1 : undefined);
  if (inner.length === 0 || inner.includes('^') || inner.includes('$')) throw new Unreadable();
  return inner;
}

function repeated(one: Node, [, sign, least, comma, most]: RegExpExecArray): Node {
  if (sign !== undefined) return { repeated: one, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity };
  const min = Number(least);
  const max = comma === '' ? min : most === '' ? Infinity : Number(most);
  if (max < min) throw new Unreadable();
  return { repeated: one, min, max };
}

/** One character, a class of them, or what stands for one. */
function testOf(text: string): Test {
  if (quantifier.test(text)) throw new Unreadable();
  if (text !== '.' && !/^[\\[]/.test(text)) return (character) => character === text;
  try {
    const single = new RegExp(`^${text}$`, 'u');
    return (character) => single.test(character);
  } catch {
    throw new Unreadable();
  }
}

function compiled(whole: Node): readonly Step[] {
  const steps: Step[] = [];
  let left = 4 * mostSteps;
  const fork = (to: number[] = []) => {
    steps.push({ to });
    return to;
  };
  const write = (node: Node): void => {
    left -= 1;
    if (left < 0 || steps.length > mostSteps) throw new Unreadable();
    if ('one' in node) steps.push(node);
    else if ('all' in node) node.all.forEach(write);
    else if ('any' in node) {
      const ways = fork();
      const ends = node.any.map((way) => {
        ways.push(steps.length);
        write(way);
        return fork();
      });
      for (const end of ends) end.push(steps.length);
    } else writeRepeated(node);
  };
  const writeRepeated = ({ repeated: one, min, max }: Extract<Node, { repeated: Node }>): void => {
    for (let times = 0; times < min; times += 1) write(one);
    const begin = steps.length;
    const ends: number[][] = [];
    for (let times = min; times < (max === Infinity ? min + 1 : max); times += 1) {
      ends.push(fork([steps.length + 1]));
      write(one);
    }
    if (max === Infinity) fork([begin]);
    for (const end of ends) end.push(steps.length);
  };
  write(whole);
  return steps;
}

function matches(steps: readonly Step[], text: string): boolean {
  let reached = reachable(steps, [0]);
  for (const character of text) {
    const next: number[] = [];
    for (const place of reached) {
      const step = steps[place];
      if (step && 'one' in step && step.one(character)) next.push(place + 1);
    }
    if (next.length === 0) return false;
    reached = reachable(steps, next);
  }
  return reached.has(steps.length);
}

function reachable(steps: readonly Step[], places: number[]): ReadonlySet<number> {
  const seen = new Set<number>();
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const step = steps[place];
    if (step && 'to' in step) places.push(...step.to);
  }
  return seen;
}
