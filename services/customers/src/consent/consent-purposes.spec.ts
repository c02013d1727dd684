import { describe, expect, it } from '@jest/globals';
import { builtInPurposes, type ConsentPurpose } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { consentPurposes } from './consent-purposes.ts';

const offers: ConsentPurpose = {
  key: 'partner-offers',
  label: { zh: '合作伙伴优惠', en: 'Offers of partners' },
  channels: ['email'],
  marketing: true,
};
const given = scenario(consentPurposes);

describe('the purposes of consents', () => {
  it('are there from the start, and grow', () => {
    const defined = { type: 'ConsentPurposeDefined', ...offers } as const;
    given()
      .when({ type: 'DefineConsentPurpose', ...offers })
      .then(defined);
    expect(replay(consentPurposes, [defined]).map(({ key }) => key)).toEqual([
      ...builtInPurposes.map(({ key }) => key),
      'partner-offers',
    ]);
    given(defined)
      .when({ type: 'DefineConsentPurpose', ...offers })
      .thenNothing();
  });

  it('can be defined anew, the built-in ones too', () => {
    const renamed = { ...offers, key: 'marketing', label: { zh: '广告', en: 'Advertising' } };
    given()
      .when({ type: 'DefineConsentPurpose', ...renamed })
      .then({ type: 'ConsentPurposeDefined', ...renamed });
  });

  it('have a name in both languages', () => {
    given()
      .when({ type: 'DefineConsentPurpose', ...offers, label: { zh: ' ', en: 'Offers' } })
      .thenRefused('invalid-consent-purpose');
  });
});
