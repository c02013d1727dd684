import {
  contactChannels,
  type ConsentEvent,
  type ConsentWay,
  type ContactChannel,
  type LawfulBasis,
} from './consent.ts';
import { known, type Instant } from './event.ts';

type Entry = {
  purpose: string;
  /** Every channel where it is left out. */
  channel?: ContactChannel;
  /** When the person said so. */
  at: Instant;
  how: ConsentWay;
  reference?: string;
};
export type GivenConsent = Entry & {
  kind: 'given';
  basis: LawfulBasis;
  textVersion?: string;
  language?: string;
  page?: string;
  /** The last day, UTC. */
  expiresOn?: string;
  /** That day has passed, and this was noted. */
  expired?: true;
};
export type WithdrawnConsent = Entry & { kind: 'withdrawn' };
export type ConsentEntry = GivenConsent | WithdrawnConsent;

/** What a person said about the use of their data, by when they said it. */
export type ConsentLedger = {
  entries: readonly ConsentEntry[];
  /** Whether they may be contacted at all. */
  contact: readonly { allowed: boolean; at: Instant; how: ConsentWay }[];
};

export const emptyLedger: ConsentLedger = { entries: [], contact: [] };

/** At the same instant an objection is the later word. */
const byTime = (a: ConsentEntry, b: ConsentEntry) =>
  a.at < b.at ? -1 : a.at > b.at ? 1 : Number(a.kind === 'withdrawn') - Number(b.kind === 'withdrawn');
const byContactTime = (a: ConsentLedger['contact'][number], b: ConsentLedger['contact'][number]) =>
  a.at < b.at ? -1 : a.at > b.at ? 1 : Number(b.allowed) - Number(a.allowed);

const utc = (instant: string): Instant => new Date(instant).toISOString();
const day = (instant: Instant): string => instant.slice(0, 'YYYY-MM-DD'.length);

/** The ledger with an event more, whatever the order in which events arrive. */
export function ledgerAfter(ledger: ConsentLedger, event: ConsentEvent): ConsentLedger {
  switch (event.type) {
    case 'ConsentGiven': {
      const { purpose, channel, basis, textVersion, language, how, givenAt, expiresOn } = event;
      const reference = known(event.reference);
      const page = known(event.page);
      const given: GivenConsent = {
        kind: 'given',
        purpose,
        ...(channel && { channel }),
        at: utc(givenAt),
        basis,
        how,
        ...(textVersion !== undefined && { textVersion }),
        ...(language !== undefined && { language }),
        ...(reference !== undefined && { reference }),
        ...(page !== undefined && { page }),
        ...(expiresOn !== undefined && { expiresOn }),
      };
      return { ...ledger, entries: [...ledger.entries, given].sort(byTime) };
    }
    case 'ConsentWithdrawn': {
      const { purpose, channel, how, withdrawnAt } = event;
      const reference = known(event.reference);
      const withdrawn: WithdrawnConsent = {
        kind: 'withdrawn',
        purpose,
        ...(channel && { channel }),
        at: utc(withdrawnAt),
        how,
        ...(reference !== undefined && { reference }),
      };
      return { ...ledger, entries: [...ledger.entries, withdrawn].sort(byTime) };
    }
    case 'ConsentExpired':
      return {
        ...ledger,
        entries: ledger.entries.map((entry) => (isUntil(entry, event) ? { ...entry, expired: true } : entry)),
      };
    case 'ContactForbidden':
      return withContact(ledger, { allowed: false, at: utc(event.forbiddenAt), how: event.how });
    case 'ContactAllowed':
      return withContact(ledger, { allowed: true, at: utc(event.allowedAt), how: event.how });
  }
}

const withContact = (ledger: ConsentLedger, word: ConsentLedger['contact'][number]): ConsentLedger => ({
  ...ledger,
  contact: [...ledger.contact, word].sort(byContactTime),
});

/** Whether it was given for this purpose and channel until that day. */
export const isUntil = (
  entry: ConsentEntry,
  { purpose, channel, expiresOn }: { purpose: string; channel?: ContactChannel; expiresOn: string },
): entry is GivenConsent =>
  entry.kind === 'given' && entry.purpose === purpose && entry.channel === channel && entry.expiresOn === expiresOn;

/** What several records of one person say together; a word that all of them have counts once. */
export const ledgerOf = (ledgers: readonly ConsentLedger[]): ConsentLedger => ({
  entries: once(ledgers.flatMap(({ entries }) => entries)).sort(byTime),
  contact: once(ledgers.flatMap(({ contact }) => contact)).sort(byContactTime),
});

const once = <Word>(words: readonly Word[]): Word[] => [
  ...new Map(words.map((word) => [JSON.stringify(word), word])).values(),
];

/** The ledger as it was at an instant, by when things were said. */
export const ledgerAsOf = ({ entries, contact }: ConsentLedger, instant: Instant): ConsentLedger => ({
  entries: entries.filter(({ at }) => at <= instant),
  contact: contact.filter(({ at }) => at <= instant),
});

/** The word that counts for a purpose and a channel: the last one that was said about it. */
export const lastWord = (
  { entries }: ConsentLedger,
  purpose: string,
  channel?: ContactChannel,
): ConsentEntry | undefined =>
  entries.findLast((entry) => entry.purpose === purpose && (!entry.channel || entry.channel === channel));

/** The last word about contact as such, where it forbids it. */
export function contactForbidden({ contact }: ConsentLedger): ConsentLedger['contact'][number] | undefined {
  const last = contact.at(-1);
  return last?.allowed === false ? last : undefined;
}

/** Without `now`, what was not noted to have expired still holds: for views, which read no clock. */
export const isExpired = ({ expired, expiresOn }: GivenConsent, now?: Instant): boolean =>
  now === undefined ? expired === true : expiresOn !== undefined && expiresOn < day(now);

export type ConsentState = 'given' | 'withdrawn' | 'expired' | 'none';
export function consentState(entry: ConsentEntry | undefined, now?: Instant): ConsentState {
  if (!entry) return 'none';
  if (entry.kind === 'withdrawn') return 'withdrawn';
  return isExpired(entry, now) ? 'expired' : 'given';
}

export type ContactAnswer = { may: boolean; because: ConsentState | 'do-not-contact' };

/**
 * Whether a person may be contacted for a purpose through a channel: only where the last word about it is a consent, or
 * another lawful basis, that still holds. A wish not to be contacted at all beats every one.
 */
export function mayContact(
  ledger: ConsentLedger,
  { purpose, channel, now }: { purpose: string; channel: ContactChannel; now: Instant },
): ContactAnswer {
  if (contactForbidden(ledger)) return { may: false, because: 'do-not-contact' };
  const because = consentState(lastWord(ledger, purpose, channel), now);
  return { may: because === 'given', because };
}

export type Permission = 'yes' | 'no' | 'unknown';

/** What people select by: whether a person wants it, does not, or never said. */
export function permission(ledger: ConsentLedger, purpose: string, channel?: ContactChannel): Permission {
  if (contactForbidden(ledger)) return 'no';
  const state = consentState(lastWord(ledger, purpose, channel));
  return state === 'given' ? 'yes' : state === 'withdrawn' ? 'no' : 'unknown';
}

/** `newsletter:email`, and `newsletter` for what holds for all channels: the purposes and channels whose last word is of a state. */
export function consentTags(ledger: ConsentLedger, state: ConsentState): string[] {
  const purposes = [...new Set(ledger.entries.map(({ purpose }) => purpose))].sort();
  const is = (purpose: string, channel?: ContactChannel) => consentState(lastWord(ledger, purpose, channel)) === state;
  return purposes.flatMap((purpose) => [
    ...(is(purpose) ? [purpose] : []),
    ...contactChannels.filter((channel) => is(purpose, channel)).map((channel) => `${purpose}:${channel}`),
  ]);
}

/** Whom people may write to: those who want it, those who do not, those who never said. */
export type Permissions = {
  /** The person wants not to be contacted at all: every permission is `no`. */
  doNotContact: boolean;
  marketingEmail: Permission;
  marketingPhone: Permission;
  marketingSms: Permission;
  marketingMessenger: Permission;
  marketingPost: Permission;
  /** `newsletter:email`, and `newsletter` where it is for all channels. */
  consents: readonly string[];
  optOuts: readonly string[];
};

export const permissionsOf = (ledger: ConsentLedger): Permissions => ({
  doNotContact: contactForbidden(ledger) !== undefined,
  marketingEmail: permission(ledger, 'marketing', 'email'),
  marketingPhone: permission(ledger, 'marketing', 'phone'),
  marketingSms: permission(ledger, 'marketing', 'sms'),
  marketingMessenger: permission(ledger, 'marketing', 'messenger'),
  marketingPost: permission(ledger, 'marketing', 'post'),
  consents: consentTags(ledger, 'given'),
  optOuts: consentTags(ledger, 'withdrawn'),
});
