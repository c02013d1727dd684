import { getDomain } from 'tldts';
import { isFree, isRoleName } from './email-domains.ts';
import { normaliseEmail } from './emails.ts';

/** An e-mail address as it is compared with others. Never written to: the key may be an address that nobody has. */
export interface MatchableEmail {
  /** Equal for addresses that end in one mailbox. */
  key: string;
  local: string;
  /** Registrable domain of an organisation, null where anybody can have an address (qq.com, gmail.com). */
  organisation: string | null;
  /** A mailbox of an office and not of a person: info@, sales@, 客服@. */
  isRole: boolean;
}

interface Provider {
  domains: readonly string[];
  /** What a mailbox's name ends at: the rest is a tag. */
  tag?: string;
  /** What does not count inside the name. */
  ignored?: RegExp;
}

// As the providers' help pages describe their aliases.
const PROVIDERS: readonly Provider[] = [
  { domains: ['gmail.com', 'googlemail.com'], tag: '+', ignored: /\./g },
  { domains: ['outlook.com', 'hotmail.com', 'live.com', 'msn.com'], tag: '+' },
  { domains: ['icloud.com', 'me.com', 'mac.com'], tag: '+' },
  { domains: ['proton.me', 'protonmail.com', 'pm.me'], tag: '+', ignored: /[._-]/g },
  { domains: ['fastmail.com', 'fastmail.fm'], tag: '+' },
  { domains: ['yandex.ru', 'yandex.com', 'ya.ru'], tag: '+', ignored: /[.-]/g },
  { domains: ['yahoo.com', 'ymail.com'], tag: '-' },
];
// Domains of one provider whose names are the same mailboxes; elsewhere (outlook, hotmail) they are different people's.
const SAME_MAILBOX = new Map([
  ['googlemail.com', 'gmail.com'],
  ['me.com', 'icloud.com'],
  ['mac.com', 'icloud.com'],
  ['protonmail.com', 'proton.me'],
  ['pm.me', 'proton.me'],
  ['yandex.com', 'yandex.ru'],
  ['ya.ru', 'yandex.ru'],
]);
const providerOf = new Map(PROVIDERS.flatMap((provider) => provider.domains.map((domain) => [domain, provider])));

/** What of an e-mail address tells people and organisations apart; null when it is no address. */
export function matchableEmail(raw: string): MatchableEmail | null {
  const { key, domain } = normaliseEmail(raw);
  if (key === null || domain === null) return null;
  const whole = key.slice(0, key.lastIndexOf('@'));
  const provider = providerOf.get(domain);
  const untagged = provider?.tag ? whole.split(provider.tag, 1)[0]! : whole;
  const local = (provider?.ignored ? untagged.replace(provider.ignored, '') : untagged) || whole;
  const registrable = getDomain(domain) ?? domain;
  return {
    key: `${local}@${SAME_MAILBOX.get(domain) ?? domain}`,
    local,
    organisation: isFree([domain, registrable]) ? null : registrable,
    isRole: isRoleName(whole),
  };
}
