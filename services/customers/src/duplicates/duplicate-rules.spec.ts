import { describe, expect, it } from '@jest/globals';
import type { DuplicateRule, ExactField } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import {
  actionFor,
  builtInDuplicateRules,
  customerRulesOf,
  duplicateRules,
  rulesFor,
  type Attempt,
} from './duplicate-rules.ts';

const given = scenario(duplicateRules);
const { autoMerge } = builtInDuplicateRules;
const rule = (more: Partial<DuplicateRule>): DuplicateRule => ({
  ways: ['person', 'form'],
  operations: ['create'],
  among: 'all',
  action: 'warn',
  bypass: [],
  ...more,
});
const scanNightly = false;
const set = (...rules: DuplicateRule[]) => ({ type: 'SetDuplicateRules', rules, autoMerge, scanNightly }) as const;
const nobody = { roles: [], skip: false };
const attempt: Attempt = { way: 'person', operation: 'create', roles: ['member'], skip: false };
const like = (band: 'automatic' | 'review' | 'none', ...same: ExactField[]) => ({ band, same: new Set(same) });

describe('the duplicate rules', () => {
  it('are set all at once', () => {
    const rules = [rule({ band: 'review' })];
    given()
      .when(set(...rules))
      .then({ type: 'DuplicateRulesSet', rules, autoMerge, scanNightly });
    given({ type: 'DuplicateRulesSet', rules, autoMerge })
      .when(set(...rules))
      .thenNothing();
    given()
      .when({ type: 'SetDuplicateRules', ...builtInDuplicateRules })
      .thenNothing();
  });

  it.each<[string, DuplicateRule]>([
    ['neither a band nor fields', rule({})],
    ['both of them', rule({ band: 'review', fields: ['email'] })],
    ['a name kept for one customer', rule({ fields: ['name'], among: 'reserved', action: 'block' })],
    ['a source that is refused', rule({ ways: ['connector'], band: 'review', action: 'block' })],
  ])('cannot have %s', (_, wrong) => {
    given().when(set(wrong)).thenRefused('invalid-duplicate-rules');
  });

  it('cannot merge by itself what is not sure', () => {
    given()
      .when({ type: 'SetDuplicateRules', rules: [], autoMerge: { enabled: true, weight: 3 }, scanNightly })
      .thenRefused('invalid-duplicate-rules');
  });

  it('hold for a way in and an operation', () => {
    const all = { rules: [rule({ band: 'review' })], autoMerge };
    expect(rulesFor(all, attempt)).toHaveLength(1);
    expect(rulesFor(all, { ...attempt, way: 'api' })).toEqual([]);
    expect(rulesFor(all, { ...attempt, operation: 'change' })).toEqual([]);
    expect(rulesFor(builtInDuplicateRules, attempt)).toEqual([]);
  });

  it('do the strictest that they say, by how alike two are', () => {
    const rules = [rule({ band: 'automatic', action: 'warn' }), rule({ fields: ['name', 'phone'], action: 'block' })];
    expect(actionFor(rules, like('automatic'), attempt)).toBe('warn');
    expect(actionFor(rules, like('review', 'name', 'phone'), attempt)).toBe('block');
    expect(actionFor(rules, like('automatic', 'name', 'phone'), attempt)).toBe('block');
    expect(actionFor(rules, like('review', 'phone'), attempt)).toBeUndefined();
  });

  it('never block a form, nor reserve what it says', () => {
    const rules = [rule({ fields: ['phone'], action: 'block' })];
    expect(actionFor(rules, like('none', 'phone'), { ...attempt, way: 'form' })).toBe('warn');
    expect(customerRulesOf({ rules }, nobody).reserves('form', 'create')).toEqual([]);
    expect(customerRulesOf({ rules }, nobody).reserves('person', 'create')).toEqual(['phones']);
  });

  it('let those pass who may, and ask for it', () => {
    const rules = [rule({ fields: ['phone'], action: 'block', bypass: ['administrator'] })];
    const administrator = { ...attempt, roles: ['administrator'] };
    expect(actionFor(rules, like('none', 'phone'), administrator)).toBe('block');
    expect(actionFor(rules, like('none', 'phone'), { ...administrator, skip: true })).toBe('allow-and-log');
    expect(actionFor(rules, like('none', 'phone'), { ...attempt, skip: true })).toBe('block');
    expect(actionFor([rule({ band: 'review' })], like('review'), { ...attempt, skip: true })).toBe('allow-and-log');
  });

  it('keep single values for one customer where they block', () => {
    const { reserves } = customerRulesOf(builtInDuplicateRules, nobody);
    expect([reserves('person', 'create'), reserves('api', 'change')]).toEqual([['emails'], ['emails']]);
    expect([reserves('connector', 'create'), reserves('import', 'create'), reserves('policy', 'change')]).toEqual([
      [],
      [],
      [],
    ]);
    const rules = [
      rule({ fields: ['phone'], action: 'block', bypass: ['administrator'] }),
      rule({ fields: ['name', 'email'], action: 'block' }),
    ];
    expect(customerRulesOf({ rules }, nobody).reserves('person', 'create')).toEqual(['phones']);
    const passing = { roles: ['administrator'], skip: true };
    expect(customerRulesOf({ rules }, passing).reserves('person', 'create')).toEqual([]);
  });
});
