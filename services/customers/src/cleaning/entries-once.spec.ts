import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { builtInRules } from '../customer/customer-rules.ts';
import { customer } from '../customer/customer.ts';
import { phonesOnce } from './entries-once.ts';

const given = scenario(customer, { rules: builtInRules, entry: 'person' });
const phones = [
  { value: '138 0000 8201', e164: '+8613800008201' },
  { value: '+8613800008201', e164: '+8613800008201', label: 'work' },
];
const stamp = { rank: 'profile', at: '2026-01-01T00:00:00.000Z', hash: '1' } as const;
const created: CustomerEvent = { type: 'CustomerCreated', number: 'C-1', name: 'x', phones, emailsReserved: false };
const seen: CustomerEvent = { ...created, stamp };

describe('a number that was recorded twice, in two spellings', () => {
  it('stays so where the same is said again', () => {
    given(created).when({ type: 'ChangeCustomer', changes: { phones } }).thenNothing();
    const row = { phones };
    const again = { type: 'ImportCustomer', number: '', mode: 'update', row, policies: {} } as const;
    given(created).when(again, { entry: 'import' }).thenNothing();
    const later = { ...stamp, at: '2026-01-02T00:00:00.000Z' };
    given(seen)
      .when({ type: 'RecordSeenCustomer', number: '', stamp: later, fields: { phones } }, { entry: 'connector' })
      .then({ type: 'CustomerConfirmed', stamp: later, confirmed: ['phones'] });
  });

  it('is one where the phones change', () => {
    const another = { value: '12' };
    given(created)
      .when({ type: 'ChangeCustomer', changes: { phones: [...phones, another] } })
      .then({
        type: 'CustomerDetailsChanged',
        phones: [{ ...phones[0]!, label: 'work' }, another],
        emailsReserved: false,
      });
  });
});

describe('labels of one number', () => {
  it('are the first one where all of them would be too long', () => {
    const [short, long] = ['work', 'x'.repeat(97)];
    const { fields } = phonesOnce(
      {
        phones: [
          { value: '1', label: short },
          { value: '1', label: long },
        ],
      },
      [],
    );
    expect(fields.phones).toEqual([{ value: '1', label: short }]);
  });

  it('keep their corrections, where their entry stands now', () => {
    const all = ['1', '1', '2'].map((value) => ({ value, label: 'l' }));
    const told = [0, 1, 2].map((place) => ({ path: `phones.${place}.label`, rule: 'trim', from: ' l', to: 'l' }));
    const { corrections } = phonesOnce({ phones: all }, told);
    expect(corrections.map(({ path }) => path)).toEqual(['phones.0.label', 'phones.1.label']);
  });
});
