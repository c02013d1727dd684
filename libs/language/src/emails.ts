import { domainToASCII, domainToUnicode } from 'node:url';
import { foldText, splitWords } from './text.ts';

/** An e-mail address as understood. */
export interface NormalisedEmail {
  /** The address to write to: local part as entered, domain in lower-case ASCII (IDNA); null when it is not one. */
  address: string | null;
  /** The address in lower case: what is compared and claimed. Providers that tell case apart are not known in practice. */
  key: string | null;
  local: string | null;
  /** ASCII form, `xn--…` for an international name. */
  domain: string | null;
  problem: 'empty' | 'no-at' | 'local' | 'domain' | 'too-long' | null;
}

const UNQUOTED = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const QUOTED = /^"(?:[^"\\\p{Cc}]|\\.)+"$/u;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/;
const WORD = /[\p{L}\p{N}\p{M}]/u;

/**
 * Reads an e-mail address: full-width characters folded, invisible ones and blanks around it dropped, `mailto:` and
 * `Name <address>` unwrapped. Says what it is, not whether somebody reads it. Never throws.
 */
export function normaliseEmail(raw: string): NormalisedEmail {
  const nothing = { address: null, key: null, local: null, domain: null };
  const invalid = (problem: NormalisedEmail['problem']): NormalisedEmail => ({ ...nothing, problem });
  const text = raw
    .toWellFormed()
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim();
  if (text === '') return invalid('empty');
  const bare = (/<([^<>]*)>$/.exec(text)?.[1] ?? text).replace(/^mailto:/i, '').trim();
  const at = bare.lastIndexOf('@');
  if (at < 0) return invalid('no-at');

  const local = bare.slice(0, at).trim();
  if (!UNQUOTED.test(local) && !QUOTED.test(local)) return invalid('local');
  const domain = domainToASCII(
    bare
      .slice(at + 1)
      .trim()
      .toLowerCase(),
  );
  if (!DOMAIN.test(domain)) return invalid('domain');
  const address = `${local}@${domain}`;
  if (Buffer.byteLength(local) > 64 || Buffer.byteLength(address) > 254) return invalid('too-long');
  return { address, key: address.toLowerCase(), local, domain, problem: null };
}

/** The folded parts of an address by which people look for it. */
export interface EmailParts {
  whole: string;
  local: string;
  localWords: string[];
  /** Unicode form, `bucher.de` for bücher.de. */
  domain: string;
  domainLabels: string[];
}

/** Takes an address apart; what is no address counts as a local part. */
export function emailParts(raw: string): EmailParts {
  const { local: given, domain: ascii } = normaliseEmail(raw);
  const local = foldText(given ?? raw);
  const domain = foldText(ascii === null ? '' : domainToUnicode(ascii));
  return {
    whole: domain === '' ? local : `${local}@${domain}`,
    local,
    localWords: splitWords(local),
    domain,
    domainLabels: domain === '' ? [] : domain.split('.'),
  };
}

/**
 * An address, or a part of one, as a token: letters and digits, with `A` for the at sign and `X` for any other separator.
 * @example emailToken('Bob.Norman@host') // 'bobXnormanAhost'
 */
export function emailToken(folded: string): string {
  const parts = folded.match(/[\p{L}\p{N}\p{M}]+|[^\p{L}\p{N}\p{M}]+/gu) ?? [];
  return parts
    .map((part, i) => {
      if (WORD.test(part)) return part;
      if (i === 0 || i === parts.length - 1) return '';
      return part.includes('@') ? 'A' : 'X';
    })
    .join('');
}

/** The ends of an e-mail token from its second word on, without the bare top-level domain. */
export function emailTokenEnds(token: string): string[] {
  const starts = Array.from(token.matchAll(/[AX]/g), ({ index }) => index + 1);
  if (token.includes('A') && token.lastIndexOf('X') > token.lastIndexOf('A')) starts.pop();
  return starts.map((start) => token.slice(start));
}
