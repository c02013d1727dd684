import { describe, expect, it } from '@jest/globals';
import { catalogue, classOf, customerFieldNames } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { fieldClasses } from './field-classes.ts';

const given = scenario(fieldClasses);
const classed = (field: string, wanted: 'normal' | 'sensitive') =>
  ({ type: 'FieldClassed', field, class: wanted }) as const;

describe('the classes of fields', () => {
  it('are known for every field of a customer', () => {
    const fields = customerFieldNames.filter((name) => name !== 'custom');
    expect(catalogue({}).map(({ field }) => field)).toEqual(
      fields.map((name) => (name === 'customerType' ? 'type' : name)),
    );
    expect(catalogue({}).find(({ field }) => field === 'birthDate')).toMatchObject({
      personal: true,
      class: 'sensitive',
    });
    expect(catalogue({}).find(({ field }) => field === 'industry')).toMatchObject({ personal: false });
  });

  it('are told by the name where a field is the installation’s own', () => {
    const sensitive = ['custom.身份证号', 'custom.passportNo', 'custom.bank account'];
    expect(sensitive.map((field) => classOf(field, {}))).toEqual(sensitive.map(() => 'sensitive'));
    expect(classOf('custom.favourite tea', {})).toBe('normal');
  });

  it('are the administrator’s to say', () => {
    given().when({ type: 'ClassField', field: 'phones', class: 'sensitive' }).then(classed('phones', 'sensitive'));
    given().when({ type: 'ClassField', field: 'gender', class: 'sensitive' }).thenNothing();
    given(classed('gender', 'normal'))
      .when({ type: 'ClassField', field: 'gender', class: 'sensitive' })
      .then(classed('gender', 'sensitive'));
    const classes = replay(fieldClasses, [classed('custom.tea', 'sensitive'), classed('gender', 'normal')]);
    expect(catalogue(classes)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ field: 'custom.tea', group: 'custom', class: 'sensitive' }),
        expect.objectContaining({ field: 'gender', class: 'normal' }),
      ]),
    );
  });

  it('are refused for what is no field of a customer', () => {
    for (const field of ['colour', 'custom.', 'customerType', 'constructor']) {
      given().when({ type: 'ClassField', field, class: 'normal' }).thenRefused('invalid-field-class');
    }
  });
});
