import {
  consentState,
  contactChannels,
  contactForbidden,
  lastWord,
  ledgerAsOf,
  type ConsentEntry,
  type ConsentLedger,
  type ConsentPurpose,
  type ConsentState,
  type ConsentWay,
  type ContactChannel,
  type GivenConsent,
  type Instant,
} from '@throughline/contracts';

/** The last word about a purpose and a channel, where anybody said one. */
type ConsentShown = Partial<Omit<GivenConsent, 'kind' | 'channel'>> & {
  kind?: ConsentEntry['kind'];
  purpose: string;
  channel: ContactChannel | null;
  state: ConsentState;
};

export type ConsentsShown = {
  /** Since when the person wants not to be contacted at all; null where they do not mind. */
  doNotContact: { since: Instant; how: ConsentWay } | null;
  /** What counts now, one for every purpose and each of its channels. */
  consents: readonly ConsentShown[];
  /** Everything that was said, by when it was said. */
  history: readonly ConsentEntry[];
};

/** A ledger for people: as it was at `asOf`, or is now. */
export function consentsShown(whole: ConsentLedger, purposes: readonly ConsentPurpose[], asOf: Instant): ConsentsShown {
  const ledger = ledgerAsOf(whole, asOf);
  const forbidden = contactForbidden(ledger);
  return {
    doNotContact: forbidden ? { since: forbidden.at, how: forbidden.how } : null,
    consents: purposes.flatMap(({ key, channels }) =>
      channelsOf(ledger, key, channels).map((channel) => {
        const word = lastWord(ledger, key, channel ?? undefined);
        return { ...word, purpose: key, channel, state: consentState(word, asOf) };
      }),
    ),
    history: ledger.entries,
  };
}

/** Those that the purpose has, and those that somebody spoke of when it still had them; null = no channel at all. */
function channelsOf(
  { entries }: ConsentLedger,
  purpose: string,
  channels: readonly ContactChannel[],
): readonly (ContactChannel | null)[] {
  const spokenOf = entries.filter((entry) => entry.purpose === purpose).map(({ channel }) => channel);
  const all = contactChannels.filter((channel) => channels.includes(channel) || spokenOf.includes(channel));
  return all.length > 0 ? all : [null];
}
