import { createHash } from 'node:crypto';
import { Unmappable } from './connector.ts';

/** JSON in which every number is its source text: ids beyond 2^53 and amounts stay what they were. */
export type Exact = string | boolean | null | Exact[] | { [key: string]: Exact };

/** Deeper than any shop or ERP nests, and far below what would exhaust the stack. */
const maxDepth = 64;

/**
 * Reads JSON without losing a digit. Numbers arrive as text (`1.10` as `'1.10'`), `__proto__` keys are dropped, and so is
 * what Postgres cannot store in a text: NUL and unpaired surrogates.
 *
 * @throws Unmappable when it is empty, not JSON or nested too deeply
 */
export function parseExact(text: string): Exact {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (source.trim() === '') throw new Unmappable('The body is empty.', '');
  if (tooDeep(source)) throw new Unmappable(`The body is nested more than ${maxDepth} levels deep.`, '');
  try {
    return JSON.parse(source, exactly as (key: string, value: unknown) => unknown) as Exact;
  } catch {
    // What the engine says quotes the body: it does not leave this place.
    throw new Unmappable('The body is not JSON.', '');
  }
}

function exactly(key: string, value: unknown, context: { source: string }): unknown {
  if (key === '__proto__') return undefined;
  if (typeof value === 'number') return context.source;
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '');
  return value;
}

/** Counted on the text, as the reviver recurses before it is asked the first time. */
function tooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i += 1;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (char === 0x5d || char === 0x7d) depth -= 1;
  }
  return false;
}

/** One text for everything that says the same: keys sorted, what is undefined left out. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

/** SHA-256, hex, over the canonical form. */
export const contentHash = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');
