import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent, CustomerFields } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { customer } from '../customer/customer.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import { suggestionsFor } from './suggestions.ts';

const now = '2026-02-01T00:00:00.000Z';
const acme = { companies: { 'acme.cn': '青禾' }, now };
const rulesOf = (details: CustomerFields) =>
  suggestionsFor({ name: '王伟', givenName: '伟', ...details }, acme).map(({ path, rule, kind, to }) => [
    `${kind} ${path} ${rule}`,
    to,
  ]);

describe('suggestions', () => {
  it('offer to write names as they are written, and to tell their parts', () => {
    expect(rulesOf({ name: 'Dr. JOHN SMITH' })).toEqual([
      ['change name salutation', 'JOHN SMITH'],
      ['change name title-case', 'John Smith'],
    ]);
    expect(suggestionsFor({ name: '欧阳修' }, { now })).toMatchObject([
      { path: 'name', rule: 'name-in-parts', changes: { familyName: '欧阳', givenName: '修' } },
    ]);
    expect(rulesOf({ kind: 'company', name: 'ACME TRADING GMBH' })).toEqual([
      ['change name title-case', 'Acme Trading GmbH'],
    ]);
  });

  it('offer the domain that was meant, and warn of addresses that reach nobody in particular', () => {
    const emails = [{ value: 'a@gmial.com', primary: true }, { value: 'info@acme.cn' }, { value: 'x@mailinator.com' }];
    const found = suggestionsFor({ name: '王伟', givenName: '伟', emails }, { now });
    expect(found.map(({ kind, path, rule }) => `${kind} ${path} ${rule}`)).toEqual([
      'change emails.0.value email-domain-typo',
      'warning emails.1.value email-of-a-role',
      'warning emails.2.value email-disposable',
    ]);
    expect(found[0]?.changes).toEqual({ emails: [{ value: 'a@gmail.com', primary: true }, ...emails.slice(1)] });
  });

  it('offer the company whose e-mail domain it is, and the province of a postcode', () => {
    expect(rulesOf({ emails: [{ value: 'wei@acme.cn' }] })).toEqual([
      ['change companyName company-from-email-domain', '青禾'],
    ]);
    expect(rulesOf({ emails: [{ value: 'wei@acme.cn' }], companyName: '青禾茶业' })).toEqual([]);
    expect(rulesOf({ addresses: [{ postcode: '610000' }] })).toEqual([
      ['change addresses.0 region-from-postcode', { postcode: '610000', province: '四川省' }],
    ]);
  });

  it('offer digits for letters that look like them', () => {
    expect(rulesOf({ registrationNumber: '9144O300708461136T' })).toEqual([
      ['change registrationNumber registration-number-look-alikes', '91440300708461136T'],
    ]);
    expect(rulesOf({ registrationNumber: '91440300708461136X' })).toEqual([
      ['warning registrationNumber registration-number-check-character', undefined],
    ]);
  });

  it('flag what a source says wrong', () => {
    const details = {
      emails: [{ value: 'nobody' }],
      phones: [{ value: '12' }],
      socials: [{ network: 'qq', value: 'a' }],
      birthDate: '2025-02-30',
      title: 'x'.repeat(501),
    };
    expect(rulesOf(details).map(([what]) => what)).toEqual([
      'warning emails.0.value email-no-at',
      'warning phones.0.value phone-invalid',
      'warning socials.0.value social-impossible',
      'warning title too-long',
      'warning birthDate impossible-date',
    ]);
  });

  it('are known by field, rule and value, wherever in a list it stands', () => {
    const idOf = (...values: string[]) => {
      const emails = values.map((value) => ({ value }));
      return suggestionsFor({ name: 'x', emails }, { now }).find(({ rule }) => rule === 'email-domain-typo')?.id;
    };
    expect(idOf('a@gmial.com')).toBe(idOf('b@x.cn', 'a@gmial.com'));
    expect(idOf('a@gmial.com')).not.toBe(idOf('b@gmial.com'));
  });
});

describe('a customer', () => {
  const given = scenario(customer, { rules: builtInRules, now });
  const emails = [{ value: 'a@gmial.com' }];
  const created: CustomerEvent = { type: 'CustomerCreated', number: 'C-1', name: 'x', emails, emailsReserved: false };
  const ofDomain = suggestionsFor({ name: 'x', emails }, { now })[0]?.id ?? '';
  const companies = {};

  it('takes over what is suggested', () => {
    given(created)
      .when({ type: 'AcceptSuggestion', suggestionId: ofDomain, companies })
      .then({ type: 'CustomerDetailsChanged', emails: [{ value: 'a@gmail.com' }], emailsReserved: true });
  });

  it('is not told again what was dismissed, until the value changes', () => {
    const dismissed: CustomerEvent = {
      type: 'CustomerSuggestionDismissed',
      suggestionId: ofDomain,
      rule: 'email-domain-typo',
    };
    given(created).when({ type: 'DismissSuggestion', suggestionId: ofDomain, companies }).then(dismissed);
    given(created, dismissed).when({ type: 'DismissSuggestion', suggestionId: ofDomain, companies }).thenNothing();
    given(created, dismissed)
      .when({ type: 'AcceptSuggestion', suggestionId: ofDomain, companies })
      .thenRefused('suggestion-not-found');
    const again = [{ value: 'b@gmial.com' }];
    const other = suggestionsFor({ name: 'x', emails: again }, { now, dismissed: [ofDomain] })[0]?.id ?? '';
    given(created, dismissed, { type: 'CustomerDetailsChanged', emails: again, emailsReserved: true })
      .when({ type: 'AcceptSuggestion', suggestionId: other, companies })
      .then({ type: 'CustomerDetailsChanged', emails: [{ value: 'b@gmail.com' }], emailsReserved: true });
  });

  it('cannot take over a warning', () => {
    const wrong: CustomerEvent = { ...created, emails: [{ value: 'nobody' }] };
    const [warning] = suggestionsFor({ name: 'x', emails: [{ value: 'nobody' }] }, { now });
    given(wrong)
      .when({ type: 'AcceptSuggestion', suggestionId: warning?.id ?? '', companies })
      .thenRefused('suggestion-is-a-warning');
  });
});
