import { describe, expect, it } from '@jest/globals';
import { builtInSurvivorship, survivorshipOf, survivorshipsFor, type SurvivorshipRules } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { noFields } from '../field/field-set.ts';
import { rulesOf, shownRules } from './survivorship.dto.ts';
import { survivorship } from './survivorship.ts';

const tea = { key: 'tea', type: 'text', sensitivity: 'normal', retired: false } as const;
const given = scenario(survivorship, { rules: { ...noFields, fields: { tea } } });
const rules: SurvivorshipRules = { rules: { name: 'longest', tags: 'all' }, sources: { name: ['entered'] } };

describe('the survivorship rules', () => {
  it('are defined as a whole', () => {
    given()
      .when({ type: 'ConfigureSurvivorship', ...rules })
      .then({ type: 'SurvivorshipConfigured', ...rules });
    given({ type: 'SurvivorshipConfigured', ...rules })
      .when({ type: 'ConfigureSurvivorship', ...rules })
      .thenNothing();
    given()
      .when({ type: 'ConfigureSurvivorship', ...builtInSurvivorship })
      .thenNothing();
  });

  it.each([
    { name: 'all' },
    { tags: 'longest' },
    { birthDate: 'longest' },
    { custom: 'all' },
    { ownerId: 'longest' },
    { 'custom.tea': 'all' },
    { 'custom.coffee': 'latest' },
  ] as const)('fit their fields, unlike %p', (wrong) => {
    given().when({ type: 'ConfigureSurvivorship', rules: wrong }).thenRefused('invalid-survivorship-rules');
  });

  it('may be of a field of the own', () => {
    const own: SurvivorshipRules = {
      rules: { custom: 'latest', 'custom.tea': 'survivor' },
      sources: { 'custom.tea': ['entered'] },
    };
    given()
      .when({ type: 'ConfigureSurvivorship', ...own })
      .then({ type: 'SurvivorshipConfigured', ...own });
    expect(rulesOf(shownRules(own)).rules).toMatchObject(own.rules);
    expect(shownRules(own).fields.at(-1)).toEqual({ field: 'custom.tea', rule: 'survivor', sources: ['entered'] });
    expect(survivorshipOf(own, 'custom.tea')).toEqual({ rule: 'survivor', sources: ['entered'] });
    expect(survivorshipOf(own, 'custom.coffee')).toEqual({ rule: 'latest', sources: undefined });
  });

  it('that come with the product fit', () => {
    for (const [field, rule] of Object.entries(builtInSurvivorship.rules)) {
      expect(survivorshipsFor(field as 'tags')).toContain(rule);
    }
  });

  it('are the same however they are told', () => {
    const told = shownRules(rules);
    expect(rulesOf(told)).toEqual(rules);
    expect(JSON.stringify(rulesOf({ fields: told.fields.toReversed() }))).toBe(JSON.stringify(rulesOf(told)));
    expect(told.fields).toContainEqual({ field: 'type', rule: 'survivor' });
  });

  it('that are not told are those that come with the product, unlike those that are told to be the survivor’s', () => {
    expect(rulesOf({ fields: [] })).toEqual(builtInSurvivorship);
    expect(rulesOf({ fields: [{ field: 'title', rule: 'longest' }] })).toEqual({
      rules: { ...builtInSurvivorship.rules, title: 'longest' },
    });
    const { tags: _, ...others } = builtInSurvivorship.rules;
    expect(rulesOf({ fields: [{ field: 'tags', rule: 'survivor' }] })).toEqual({ rules: others });
  });
});
