import {
  emptyLedger,
  isUntil,
  ledgerAfter,
  type ConsentEntry,
  type ConsentEvent,
  type ConsentLedger,
  type ConsentPurpose,
  type ConsentWay,
  type ContactChannel,
  type Instant,
  type LawfulBasis,
} from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';

/** `occurredAt`: when the person said so, where that is not now. */
type Said = { customerId: string; how: ConsentWay; occurredAt?: Instant };
type About = { purpose: string; channel?: ContactChannel };

export type ConsentCommand =
  | (Said &
      About & {
        type: 'GiveConsent';
        basis: LawfulBasis;
        textVersion?: string;
        language?: string;
        reference?: string;
        page?: string;
        expiresOn?: string;
      })
  | (Said & About & { type: 'WithdrawConsent'; reference?: string })
  | (About & { type: 'ExpireConsent'; customerId: string; expiresOn: string })
  | (Said & { type: 'ForbidContact' })
  | (Said & { type: 'AllowContact' });

export type ConsentRules = { purposes: readonly ConsentPurpose[] };

/** The stream of what was said about a record; the record's id stays its data subject. */
export const consentId = (customerId: string): string => derivedId('consent', customerId);

/** What a person allowed. The last word counts by when it was said, so an old form that arrives late changes the past only. */
export const consent: Decider<ConsentLedger, ConsentCommand, ConsentEvent, ConsentRules> = {
  category: 'consent',
  initial: emptyLedger,

  decide(state, command, { now, rules }) {
    const { customerId } = command;
    // What is said again later is news: a word from in between may still arrive.
    switch (command.type) {
      case 'GiveConsent':
        return give(state, command, now, rules);
      case 'WithdrawConsent': {
        const { purpose, channel, how, reference } = command;
        checkPurpose(command, rules);
        const withdrawnAt = saidAt(command, now);
        if (state.entries.some((entry) => isWithdrawn(entry, command, withdrawnAt))) return [];
        return [
          {
            type: 'ConsentWithdrawn',
            customerId,
            purpose,
            ...(channel && { channel }),
            how,
            ...(reference !== undefined && { reference }),
            withdrawnAt,
          },
        ];
      }
      case 'ExpireConsent': {
        const { purpose, channel, expiresOn } = command;
        const runsOut = state.entries.some((entry) => isUntil(entry, command) && !entry.expired);
        if (!runsOut || !isOver(expiresOn, now)) return [];
        return [{ type: 'ConsentExpired', customerId, purpose, ...(channel && { channel }), expiresOn }];
      }
      case 'ForbidContact': {
        const forbiddenAt = saidAt(command, now);
        if (isSaid(state, false, forbiddenAt)) return [];
        return [{ type: 'ContactForbidden', customerId, how: command.how, forbiddenAt }];
      }
      case 'AllowContact': {
        const allowedAt = saidAt(command, now);
        if (isSaid(state, true, allowedAt)) return [];
        return [{ type: 'ContactAllowed', customerId, how: command.how, allowedAt }];
      }
    }
  },

  evolve: ledgerAfter,
};

function give(
  state: ConsentLedger,
  command: Extract<ConsentCommand, { type: 'GiveConsent' }>,
  now: Instant,
  rules: ConsentRules,
): ConsentEvent[] {
  const { type: _, occurredAt: __, ...given } = command;
  const { customerId, purpose, channel, basis, textVersion, expiresOn } = given;
  const givenAt = saidAt(command, now);
  const errors: FieldError[] = [];
  const { channels } = checkPurpose(command, rules);
  if (channel && !channels.includes(channel)) errors.push({ path: 'channel', code: 'not-allowed' });
  if (basis === 'consent' && textVersion === undefined) errors.push({ path: 'textVersion', code: 'required' });
  if (expiresOn !== undefined && expiresOn < givenAt.slice(0, 10)) {
    errors.push({ path: 'expiresOn', code: 'before-start' });
  }
  if (errors.length > 0) throw invalid('invalid-consent', errors);
  if (state.entries.some((entry) => isSame(entry, command, givenAt))) return [];
  return [
    { type: 'ConsentGiven', ...given, givenAt },
    // An old paper form may have run out before it was typed in.
    ...(expiresOn !== undefined && isOver(expiresOn, now)
      ? [{ type: 'ConsentExpired' as const, customerId, purpose, ...(channel && { channel }), expiresOn }]
      : []),
  ];
}

/** @throws Refusal `invalid-consent` where nobody defined the purpose */
export function checkPurpose({ purpose }: About, { purposes }: ConsentRules): ConsentPurpose {
  const found = purposes.find(({ key }) => key === purpose);
  if (!found) throw invalid('invalid-consent', [{ path: 'purpose', code: 'unknown-record' }]);
  return found;
}

/** In UTC; as everywhere, the future is now. */
function saidAt({ occurredAt = '' }: Said, now: Instant): Instant {
  const at = occurredAt === '' ? now : new Date(occurredAt).toISOString();
  return at > now ? now : at;
}

const isOver = (expiresOn: string, now: Instant) => expiresOn < now.slice(0, 10);

/** The same word once more: a form that was imported twice. */
const isSame = (
  entry: ConsentEntry,
  { purpose, channel, basis, textVersion, expiresOn }: Extract<ConsentCommand, { type: 'GiveConsent' }>,
  at: Instant,
): boolean =>
  entry.kind === 'given' &&
  entry.at === at &&
  entry.purpose === purpose &&
  entry.channel === channel &&
  entry.basis === basis &&
  entry.textVersion === textVersion &&
  entry.expiresOn === expiresOn;

/** The same objection, or one to all channels. */
const isWithdrawn = (entry: ConsentEntry, { purpose, channel }: About, at: Instant): boolean =>
  entry.kind === 'withdrawn' &&
  entry.at === at &&
  entry.purpose === purpose &&
  (!entry.channel || entry.channel === channel);

/** Whether that was said about contact as such at that instant. */
const isSaid = ({ contact }: ConsentLedger, allowed: boolean, at: Instant): boolean =>
  contact.some((word) => word.at === at && word.allowed === allowed);
