import { describe, expect, it } from '@jest/globals';
import { qualityOf } from '@throughline/contracts';

const whole = {
  kind: 'company',
  name: '青禾茶业',
  registrationNumber: '91310000MA1FL0L123',
  phones: [{ value: '021-62345678', e164: '+862162345678' }],
  emails: [{ value: 'info@qinghe.example' }],
  addresses: [{ city: '上海' }],
  industry: '茶叶',
  size: '50-99',
  ownerId: '0197aa55-63c0-7b1e-a4d9-58e2c7f0b311',
  source: 'exhibition',
} as const;
const checked = (fields: object, more: object = {}) =>
  qualityOf({ fields: { ...whole, ...fields }, bounced: [], stale: false, ...more } as never);

describe('the quality of a customer’s data', () => {
  it('is whole where everything is known and right', () => {
    expect(checked({})).toEqual({ quality: 100, qualityIssues: [] });
  });

  it('lacks what is not known, by what that is worth for its kind', () => {
    expect(checked({ registrationNumber: null, size: '' })).toEqual({
      quality: 80,
      qualityIssues: ['missing:registrationNumber', 'missing:size'],
    });
    expect(qualityOf({ fields: {}, bounced: [], stale: false }).quality).toBe(0);
  });

  it('suffers from what is wrong, and never goes below nothing', () => {
    expect(checked({ emails: [{ value: 'info@qinghe' }] }).qualityIssues).toEqual(['invalid:emails']);
    expect(checked({ birthDate: '2025-02-30' }).qualityIssues).toEqual(['invalid:birthDate']);
    expect(checked({ birthDate: '2024-02-29' }).qualityIssues).toEqual([]);
    const bounced = [{ address: 'INFO@qinghe.example', at: '2026-01-01T00:00:00.000Z' }];
    expect(checked({}, { bounced, stale: true })).toEqual({ quality: 75, qualityIssues: ['bounced:emails', 'stale'] });
    expect(qualityOf({ fields: { phones: [{ value: '?' }] }, bounced: [], stale: true }).quality).toBe(0);
  });

  it('suffers from each rule that is broken, however often', () => {
    const failures = [
      { field: 'emails', code: 'rule-failed', ruleId: 'ours' },
      { field: 'phones', code: 'rule-failed', ruleId: 'ours' },
      { field: 'phones', code: 'phone-invalid' },
    ];
    expect(checked({}, { failures })).toEqual({ quality: 95, qualityIssues: ['rule:ours'] });
  });

  it('does not mind a bounce of an address that the customer no longer has', () => {
    const bounced = [{ address: 'old@qinghe.example', at: '2026-01-01T00:00:00.000Z' }];
    expect(checked({}, { bounced }).qualityIssues).toEqual([]);
  });
});
