import { HttpProblem } from './problem.ts';

/** What a stream of ids travels as between services. */
export const linesType = 'application/x-ndjson';

/** Pages of ids as lines of JSON; the last one says how many there were, so that nobody takes a part for the whole. */
export async function* idLines(pages: AsyncIterable<readonly string[]>): AsyncIterable<string> {
  let count = 0;
  for await (const page of pages) {
    count += page.length;
    yield `${JSON.stringify(page)}\n`;
  }
  yield `${JSON.stringify({ count })}\n`;
}

/** @throws HttpProblem `unavailable` where it ends before its last line */
export async function* readIds(input: AsyncIterable<Uint8Array>): AsyncIterable<readonly string[]> {
  let count = 0;
  let said: number | undefined;
  for await (const line of linesOf(input)) {
    const value = JSON.parse(line) as readonly string[] | { count: number };
    if ('count' in value) said = value.count;
    else {
      count += value.length;
      yield value;
    }
  }
  if (said !== count) throw new HttpProblem(503, 'unavailable');
}

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of input) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
    }
  } catch {
    // Whoever sends broke off: the last line is missing.
  }
}
