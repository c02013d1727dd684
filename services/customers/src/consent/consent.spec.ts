import { describe, expect, it } from '@jest/globals';
import {
  builtInPurposes,
  consentTags,
  emptyLedger,
  erased,
  ledgerAfter,
  ledgerOf,
  mayContact,
  permission,
  type ConsentEvent,
} from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { consent, type ConsentCommand } from './consent.ts';
import { consentsShown } from './consents-shown.ts';

const now = '2026-01-15T08:00:00.000Z';
const customerId = '00000000-0000-7000-8000-00000000000c';
const given = scenario(consent, { rules: { purposes: builtInPurposes }, now });
const ledger = (...events: ConsentEvent[]) => events.reduce(ledgerAfter, emptyLedger);

const give = {
  type: 'GiveConsent',
  customerId,
  purpose: 'newsletter',
  channel: 'email',
  basis: 'consent',
  textVersion: '1',
  how: 'form',
} as const satisfies ConsentCommand;
const { type: _, ...facts } = give;
const allowed = { type: 'ConsentGiven', ...facts, givenAt: now } as const satisfies ConsentEvent;
const withdraw = {
  type: 'WithdrawConsent',
  customerId,
  purpose: 'newsletter',
  how: 'phone',
} as const satisfies ConsentCommand;
const withdrawn = {
  type: 'ConsentWithdrawn',
  customerId,
  purpose: 'newsletter',
  how: 'phone',
  withdrawnAt: now,
} as const satisfies ConsentEvent;
const forbidden = {
  type: 'ContactForbidden',
  customerId,
  how: 'phone',
  forbiddenAt: now,
} as const satisfies ConsentEvent;
const email = { purpose: 'newsletter', channel: 'email', now } as const;

describe('a consent', () => {
  it('is kept with what was shown, how it was given and when', () => {
    given().when(give).then(allowed);
    const paper = { ...give, how: 'paper', reference: 'form 7', occurredAt: '2019-05-01T10:00:00+08:00' } as const;
    given()
      .when(paper)
      .then({ ...allowed, how: 'paper', reference: 'form 7', givenAt: '2019-05-01T02:00:00.000Z' });
  });

  it('is not older than it says: the future is now', () => {
    given()
      .when({ ...give, occurredAt: '2031-01-01T00:00:00Z' })
      .then(allowed);
  });

  it('is recorded once, however often a form is imported', () => {
    given(allowed)
      .when({ ...give, occurredAt: now })
      .thenNothing();
    given(allowed)
      .when({ ...give, textVersion: '2', occurredAt: now })
      .then({ ...allowed, textVersion: '2' });
  });

  it('needs a purpose that somebody defined, one of its channels, and the text that was shown', () => {
    for (const wrong of [
      { purpose: 'unheard-of' },
      { channel: 'phone' as const },
      { textVersion: undefined as never },
      { expiresOn: '2026-01-14' },
    ]) {
      given()
        .when({ ...give, ...wrong })
        .thenRefused('invalid-consent');
    }
  });

  it('needs no text where the law asks for no consent', () => {
    const { textVersion: _, ...rest } = give;
    const { textVersion: __, ...event } = allowed;
    given()
      .when({ ...rest, basis: 'contract' })
      .then({ ...event, basis: 'contract' });
  });

  it('has run out already where it came too late', () => {
    const { purpose, channel } = give;
    const old = { occurredAt: '2019-05-01T00:00:00.000Z', expiresOn: '2021-04-30' };
    given()
      .when({ ...give, ...old })
      .then(
        { ...allowed, givenAt: old.occurredAt, expiresOn: old.expiresOn },
        { type: 'ConsentExpired', customerId, purpose, channel, expiresOn: old.expiresOn },
      );
  });
});

describe('an objection', () => {
  it('is recorded whether or not there was a consent, but once', () => {
    given().when(withdraw).then(withdrawn);
    given(allowed).when(withdraw).then(withdrawn);
    given(withdrawn).when(withdraw).thenNothing();
    given(withdrawn)
      .when({ ...withdraw, channel: 'email' })
      .thenNothing();
  });

  it('to one channel leaves the others', () => {
    const onlyEmail = { ...withdrawn, channel: 'email' } as const;
    given(onlyEmail).when(withdraw).then(withdrawn);
    const said = ledger({ ...allowed, channel: undefined as never }, onlyEmail);
    expect([permission(said, 'newsletter', 'email'), permission(said, 'newsletter', 'messenger')]).toEqual([
      'no',
      'yes',
    ]);
  });

  it('is lifted by a later consent, and recorded again after it', () => {
    const later = { ...allowed, givenAt: '2026-01-15T08:00:00.001Z' };
    expect(mayContact(ledger(withdrawn, later), email)).toEqual({ may: true, because: 'given' });
    given(withdrawn, later)
      .when(withdraw, { now: '2026-02-01T00:00:00.000Z' })
      .then({ ...withdrawn, withdrawnAt: '2026-02-01T00:00:00.000Z' });
  });
});

describe('the last word', () => {
  const paper = { ...allowed, givenAt: '2019-05-01T00:00:00.000Z' };
  it('is the one that was said last, whatever order they arrive in', () => {
    for (const order of [
      [paper, withdrawn],
      [withdrawn, paper],
    ]) {
      expect(mayContact(ledger(...order), email)).toEqual({ may: false, because: 'withdrawn' });
    }
  });

  it('is the objection where both were said at once', () => {
    expect(permission(ledger(withdrawn, allowed), 'newsletter', 'email')).toBe('no');
  });

  it('is nobody’s where nothing was said: that is no permission', () => {
    expect(mayContact(emptyLedger, email)).toEqual({ may: false, because: 'none' });
    expect(permission(emptyLedger, 'marketing', 'email')).toBe('unknown');
  });

  it('of several records of one person is found over all of them', () => {
    const both = ledgerOf([ledger(withdrawn), ledger(paper)]);
    expect(mayContact(both, email).because).toBe('withdrawn');
  });

  it('counts also where it only repeats the one before: a word from in between may arrive later', () => {
    const again = { now: '2026-03-01T00:00:00.000Z' };
    const repeated = { ...withdrawn, withdrawnAt: again.now };
    given(withdrawn).when(withdraw, again).then(repeated);
    const between = { ...allowed, givenAt: '2026-02-01T00:00:00.000Z' };
    expect(permission(ledger(withdrawn, repeated, between), 'newsletter', 'email')).toBe('no');
    const forbidden = { type: 'ContactForbidden', customerId, how: 'phone', forbiddenAt: now } as const;
    const forbid = { type: 'ForbidContact', customerId, how: 'phone' } as const;
    given(forbidden).when(forbid).thenNothing();
    given(forbidden)
      .when(forbid, again)
      .then({ ...forbidden, forbiddenAt: again.now });
  });

  it('was another one before', () => {
    const shown = consentsShown(ledger(paper, withdrawn), builtInPurposes, '2020-01-01T00:00:00.000Z');
    expect(
      shown.consents.find(({ purpose, channel }) => purpose === 'newsletter' && channel === 'email'),
    ).toMatchObject({ state: 'given', at: paper.givenAt, textVersion: '1' });
    expect(shown.history).toHaveLength(1);
  });

  it('stays known without its proof once the person was erased', () => {
    expect(ledger({ ...allowed, reference: erased, page: erased }).entries).toEqual([
      {
        kind: 'given',
        purpose: 'newsletter',
        channel: 'email',
        at: now,
        basis: 'consent',
        textVersion: '1',
        how: 'form',
      },
    ]);
  });
});

describe('a consent with an end', () => {
  const until = { ...allowed, expiresOn: '2026-01-15' };
  const expired = {
    type: 'ConsentExpired',
    customerId,
    purpose: 'newsletter',
    channel: 'email',
    expiresOn: '2026-01-15',
  } as const satisfies ConsentEvent;
  const { type: __, ...end } = expired;

  it('holds until the day is over', () => {
    expect(mayContact(ledger(until), { ...email, now: '2026-01-15T23:59:59.999Z' }).may).toBe(true);
    const after = mayContact(ledger(until), { ...email, now: '2026-01-16T00:00:00.000Z' });
    expect(after).toEqual({ may: false, because: 'expired' });
  });

  it('expires once, and not before its time', () => {
    const command = { type: 'ExpireConsent', ...end } as const;
    given(until).when(command).thenNothing();
    given(until).when(command, { now: '2026-01-16T00:00:00.000Z' }).then(expired);
    given(until, expired).when(command, { now: '2026-01-17T00:00:00.000Z' }).thenNothing();
    given(allowed).when(command, { now: '2026-01-17T00:00:00.000Z' }).thenNothing();
  });

  it('does not take with it the one that was given after it', () => {
    const renewed = { ...allowed, givenAt: '2026-01-15T09:00:00.000Z' };
    expect(permission(ledger(until, expired), 'newsletter', 'email')).toBe('unknown');
    expect(permission(ledger(until, expired, renewed), 'newsletter', 'email')).toBe('yes');
  });
});

describe('a wish not to be contacted', () => {
  it('beats every consent, also those given afterwards', () => {
    const said = ledger(forbidden, { ...allowed, givenAt: '2026-03-01T00:00:00.000Z' });
    expect(mayContact(said, email)).toEqual({ may: false, because: 'do-not-contact' });
    expect(permission(said, 'marketing', 'phone')).toBe('no');
  });

  it('is recorded once, until it is taken back', () => {
    const forbid = { type: 'ForbidContact', customerId, how: 'phone' } as const;
    given().when(forbid).then(forbidden);
    given(forbidden).when(forbid).thenNothing();
    const lifted: ConsentEvent = { type: 'ContactAllowed', customerId, how: 'phone', allowedAt: now };
    given(forbidden)
      .when({ ...forbid, type: 'AllowContact' })
      .then(lifted);
    given(lifted)
      .when({ ...forbid, type: 'AllowContact' })
      .thenNothing();
  });
});

describe('what people select by', () => {
  it('names purposes with their channels', () => {
    const said = ledger(allowed, { ...withdrawn, purpose: 'marketing' });
    expect(consentTags(said, 'given')).toEqual(['newsletter:email']);
    expect(consentTags(said, 'withdrawn')).toEqual([
      'marketing',
      'marketing:email',
      'marketing:phone',
      'marketing:sms',
      'marketing:messenger',
      'marketing:post',
    ]);
  });
});
