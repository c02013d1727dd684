import { describe, expect, it } from '@jest/globals';
import { builtInPurposes, emptyLedger, ledgerAfter, type ConsentEvent } from '@throughline/contracts';
import { personalDataRows } from './personal-data-rows.ts';
import { personalData, type Known } from './personal-data.ts';

const now = '2026-06-01T00:00:00.000Z';
const customerId = '0198c0de-0000-7000-8000-00000000c001';
const connection = '0198c0de-0000-7000-8000-00000000c0ff';
const nothing: Known = {
  customerId,
  records: [],
  ledger: emptyLedger,
  purposes: builtInPurposes,
  texts: [],
  classes: {},
  own: [],
  names: new Map([[connection, '天猫店']]),
  forms: [],
  orders: [],
  deals: [],
  interactions: [],
  history: [],
  exports: [],
};
const record = (details: object, source: string) => ({
  id: customerId,
  number: 'C-1',
  details: details as Known['records'][number]['details'],
  externalIds: [{ connectionId: connection, id: 'A-7' }],
  createdAt: now,
  origins: { emails: { at: now, recordedAt: now, actor: { type: 'connection' as const, id: source }, source } },
});
const emails = [{ value: 'a@example.cn' }, { value: 'b@example.cn', label: 'work' }];

describe('what a person is told', () => {
  it('names the system that a field came from', () => {
    const known = { ...nothing, records: [record({ emails }, connection)] };
    const [told] = personalData(known, 'en', now).records;
    expect(told?.fields[0]).toMatchObject({ label: 'E-mail addresses', sourceLabel: '天猫店', value: emails });
    expect(told?.sources).toEqual([{ connectionId: connection, connection: '天猫店', id: 'A-7' }]);
  });

  it('holds every record that is theirs', () => {
    const both = [record({ name: 'A' }, 'web'), record({ name: 'B' }, 'api')];
    expect(personalData({ ...nothing, records: both }, 'zh', now).records).toHaveLength(2);
  });

  it('says of each use of their data on which basis it stands, and that it has run out', () => {
    const given: ConsentEvent = {
      type: 'ConsentGiven',
      customerId,
      purpose: 'service',
      basis: 'contract',
      how: 'paper',
      givenAt: '2025-01-01T00:00:00Z',
      expiresOn: '2025-12-31',
    };
    const [consent] = personalData({ ...nothing, ledger: ledgerAfter(emptyLedger, given) }, 'en', now).consents;
    expect(consent).toMatchObject({ label: 'Service', channel: null, state: 'expired', basisLabel: 'Contract' });
  });

  it('fits into a table, a row a fact', () => {
    const known = { ...nothing, records: [record({ emails, custom: { shoe: { size: 42 } } }, 'web')] };
    expect(personalDataRows(personalData(known, 'en', now))).toEqual([
      ['Section', 'Item', 'Value', 'Class', 'Source', 'By', 'When'],
      ['Contact', 'E-mail addresses', 'a@example.cn\nb@example.cn', 'Normal', 'Entered by hand', 'connection web', now],
      ['Other', 'shoe', '{"size":42}', 'Normal', '', '', ''],
      ['Ids in other systems', '天猫店', 'A-7', '', '', '', ''],
    ]);
  });
});
