import { describe, expect, it } from '@jest/globals';
import { builtInSurvivorship, survivorshipsFor, type SurvivorshipRules } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { rulesOf, shownRules } from './survivorship.dto.ts';
import { survivorship } from './survivorship.ts';

const given = scenario(survivorship);
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
  ] as const)('fit their fields, unlike %p', (wrong) => {
    given().when({ type: 'ConfigureSurvivorship', rules: wrong }).thenRefused('invalid-survivorship-rules');
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
