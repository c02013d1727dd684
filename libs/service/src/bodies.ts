import type { FastifyInstance, FastifyRequest } from 'fastify';
import { linesType } from './id-lines.ts';
import { HttpProblem } from './problem.ts';
import { pathOf } from './public-routes.ts';

/** Deeper than anybody means it, and far from where walking it would overflow the stack. */
const deepest = 64;
/** Checking names and values one by one takes long where there are very many; plain values of a list go fast. */
const widest = 1_000;
const longestList = 10_000;
const mostValues = 20_000;
/** Of many records at once, which are checked one after the other. */
const mostValuesOfBatch = 50_000;

/**
 * Takes JSON (also as a merge patch) in UTF-8, and nothing else.
 *
 * @param isRaw requests whose bodies are kept as they came: signed ones, and those that are handed on
 */
export function takeJsonOnly(
  fastify: FastifyInstance,
  isRaw: (request: FastifyRequest) => boolean = () => false,
): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (isRaw(request)) return done(null, body);
    if (body.length === 0) return done(null, undefined);
    try {
      const isBatch = pathOf(request.url).endsWith('/batch');
      const most = isBatch ? mostValuesOfBatch : mostValues;
      done(null, parsed(request.headers['content-type'] ?? '', body, most));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Takes lines between services as they come, without a limit: the handler gets the stream. */
export function takeLines(fastify: FastifyInstance): void {
  fastify.addContentTypeParser(linesType, (request, payload, done) => {
    if (pathOf(request.url).startsWith('/internal/')) done(null, payload);
    else done(new HttpProblem(415, 'unsupported-media-type'));
  });
}

function parsed(contentType: string, body: Buffer, most: number): unknown {
  const json = /^application\/(?:merge-patch\+)?json *(?:; *charset="?([\w-]+)"?)? *$/i.exec(contentType);
  const charset = json ? (json[1] ?? 'utf-8') : 'none';
  if (!/^utf-?8$/i.test(charset)) throw new HttpProblem(415, 'unsupported-media-type');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new HttpProblem(400, 'unreadable-json');
  }
  checkSize(value, most);
  return value;
}

/** @throws HttpProblem `too-deep`, `too-many-members`. Without recursion: it is what it guards against. */
function checkSize(value: unknown, most: number): void {
  let count = 0;
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) throw new HttpProblem(400, 'too-deep');
    level = level.flatMap((item) => {
      if (typeof item !== 'object' || item === null) return [];
      const members = Object.values(item);
      count += members.length;
      if (members.length > mostOf(item, members) || count > most) throw new HttpProblem(400, 'too-many-members');
      return members;
    });
  }
}

const mostOf = (item: object, members: readonly unknown[]): number =>
  Array.isArray(item) && members.every((member) => typeof member !== 'object') ? longestList : widest;
