import { HttpProblem, ShapeError, languageOf, type Language } from '@throughline/service';
import { isUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { customKey } from './custom-fields.ts';
import { beside } from './form-page.ts';
import type { Sent } from './submission.ts';

/**
 * A submission as it was read.
 *
 * `entries`: texts by the names under which they came, in their order; a name may come more than once.
 * `asPage`: a browser without a program in it sent it, and shows what is answered.
 */
export type ReadSubmission = Omit<Sent, 'values'> & {
  entries: readonly (readonly [string, string])[];
  submissionId: string | undefined;
  token: string | undefined;
  asPage: boolean;
};

const mostEntries = 1_000;
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
  const members = isForm ? formEntries(raw) : jsonEntries(textOf(raw));
  if (members.length > mostEntries) throw new HttpProblem(400, 'too-many-members');
  const entries = members.map(([name, value]) => [name, value.trim()] as const);
  const given = new Map(entries);
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
  const version = take(beside.consentVersion);
  return {
    submissionId,
    token,
    trap: take(beside.trap) ?? '',
    consent: consent !== undefined && !/^(false|0|no|off)$/i.test(consent),
    ...(version !== undefined && { consentVersion: Number(version) }),
    language: languageIn(take(beside.language), headers['accept-language']),
    ...(page !== undefined && { page }),
    utm,
    entries: entries.filter(([name, value]) => given.has(name) && value !== ''),
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

/** In the charset that the page names in `_charset_`; else UTF-8, and what is not that is what pages in China are written in. */
function formEntries(raw: Buffer): [string, string][] {
  const pairs = raw
    .toString('latin1')
    .split('&')
    .filter(Boolean)
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return [unquoted(name), unquoted(value.join('='))] as const;
    });
  const isCharset = (name: Buffer) => name.toString('latin1') === '_charset_';
  const charset = pairs.find(([name]) => isCharset(name))?.[1].toString('latin1');
  for (const known of [charset, 'utf-8', 'gb18030']) {
    try {
      const decoder = new TextDecoder(known, { fatal: true });
      return pairs.flatMap(([name, value]) => (isCharset(name) ? [] : [[decoder.decode(name), decoder.decode(value)]]));
    } catch {
      // Not that one.
    }
  }
  throw new HttpProblem(400, 'unreadable-form');
}

const unquoted = (text: string): Buffer => {
  const character = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  return Buffer.from(text.replaceAll('+', ' ').replace(/%([0-9a-f]{2})/gi, character), 'latin1');
};

/** Texts by name, custom values as the API takes them as well; what is something else is named. */
function jsonEntries(text: string): [string, string][] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new HttpProblem(400, 'unreadable-json');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new HttpProblem(400, 'unreadable-json');
  const entries = Object.entries(body).filter(([, value]) => value !== null && !isEmptyList(value));
  const texts = entries.map(([name, value]) => [name, textIn(name, value)] as const);
  const wrong = texts.flatMap(([path, text]) => (text === undefined ? [{ path, code: 'wrong-type' }] : []));
  if (wrong.length > 0) throw new ShapeError(wrong);
  return texts as [string, string][];
}

function textIn(name: string, value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const isCustom = customKey(name) !== undefined;
  if (typeof value === 'boolean') return isCustom || name === beside.consent ? String(value) : undefined;
  if (!isCustom && name !== beside.consentVersion) return undefined;
  return typeof value === 'number'
    ? String(value)
    : isChoices(value) || isMoney(value)
      ? JSON.stringify(value)
      : undefined;
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
const isChoices = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isMoney = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).toSorted().join() === 'amount,currency' &&
  Object.values(value).every((one) => typeof one === 'string');

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
