import { HttpProblem, ShapeError, languageOf, type Language } from '@throughline/service';
import { isUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { beside } from './form-page.ts';
import type { Sent } from './submission.ts';

/** A submission as it was read; `asPage`: a browser without a program in it sent it, and shows what is answered. */
export type ReadSubmission = Sent & { submissionId: string | undefined; token: string | undefined; asPage: boolean };

const mostNames = 100;
const longestPage = 2_000;
const longestUtm = 200;
const longestKey = 255;

/** @throws HttpProblem 400, 415; ShapeError */
export function readSubmission(request: FastifyRequest): ReadSubmission {
  const { headers } = request;
  const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const type = /^([^;]*)/
    .exec(headers['content-type'] ?? '')?.[1]
    ?.trim()
    .toLowerCase();
  const isForm = type === 'application/x-www-form-urlencoded';
  if (!isForm && type !== 'application/json') throw new HttpProblem(415, 'unsupported-media-type');
  const entries = isForm ? [...new URLSearchParams(textOf(raw))] : jsonEntries(textOf(raw));
  if (entries.length > mostNames) throw new HttpProblem(400, 'too-many-members');
  const given = new Map(entries.map(([name, value]) => [name, value.trim()]));
  const take = (name: string): string | undefined => {
    const value = given.get(name);
    given.delete(name);
    return value === '' ? undefined : value;
  };
  const header = [headers['idempotency-key']].flat()[0];
  const [own, token] = [take('submissionId'), take('token')];
  // A page's proof holds for the page's own id: it cannot be used for another one.
  const submissionId = token === undefined ? (header ?? own) : own;
  if (submissionId !== undefined && (submissionId === '' || submissionId.length > longestKey))
    throw new ShapeError([{ path: header === undefined ? 'submissionId' : 'Idempotency-Key', code: 'too-long' }]);
  const page = (take(beside.page) ?? headers.referer)?.slice(0, longestPage).toWellFormed();
  const utm = { ...utmOf(page), ...takeUtm(given) };
  const consent = take(beside.consent);
  return {
    submissionId,
    token,
    trap: take(beside.trap) ?? '',
    consent: consent !== undefined && !/^(false|0|no|off)$/i.test(consent),
    language: languageIn(take(beside.language), headers['accept-language']),
    ...(page !== undefined && { page }),
    utm,
    values: new Map([...given].filter(([, value]) => value !== '')),
    asPage: isForm && /text\/html/.test(headers.accept ?? ''),
  };
}

export const languageIn = (wanted: string | undefined, acceptLanguage: string | undefined): Language =>
  languageOf(wanted && /^[a-z-]{2,10}$/i.test(wanted) ? wanted : acceptLanguage);

/** The id that a page was served under: an other than its own is none. */
export const isPageId = (submissionId: string | undefined): submissionId is string => isUUID(submissionId);

function textOf(raw: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(raw);
  } catch {
    throw new HttpProblem(400, 'unreadable-json');
  }
}

/** Texts by name; what is something else is named. */
function jsonEntries(text: string): [string, string][] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HttpProblem(400, 'unreadable-json');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new HttpProblem(400, 'unreadable-json');
  const entries = Object.entries(body).filter(([, value]) => value !== null);
  const wrong = entries.filter(
    ([name, value]) => typeof value !== 'string' && !(name === beside.consent && isFlag(value)),
  );
  if (wrong.length > 0) throw new ShapeError(wrong.map(([path]) => ({ path, code: 'wrong-type' })));
  return entries.map(([name, value]) => [name, String(value)]);
}
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';

/** The campaign's parameters of an address. */
export function utmOf(page: string | undefined): Record<string, string> {
  const query = page?.split('#', 1)[0]?.split('?').slice(1).join('?');
  return query ? takeUtm(new Map(new URLSearchParams(query))) : {};
}

function takeUtm(given: Map<string, string>): Record<string, string> {
  const utm: Record<string, string> = {};
  for (const [name, value] of given) {
    const [, parameter] = /^utm_([a-z_]{1,30})$/.exec(name) ?? [];
    if (parameter === undefined) continue;
    given.delete(name);
    if (value !== '') utm[parameter] = value.slice(0, longestUtm).replaceAll('\0', '').toWellFormed();
  }
  return utm;
}
