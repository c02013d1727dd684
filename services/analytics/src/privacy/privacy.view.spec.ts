import { describe, expect, it } from '@jest/globals';
import { recorded, rowsAfter, streamId } from '../star/recorded.fixtures.ts';
import { customerProvenance } from './customer-provenance.view.ts';
import { privacyDefinitions } from './privacy-definitions.view.ts';
import { sourceNames } from './source-names.view.ts';

const created = {
  type: 'CustomerCreated',
  number: 'C-1',
  name: '张三',
  customerType: 'new',
  custom: { tea: 'green', size: 'M' },
  emailsReserved: false,
};
const changed = { type: 'CustomerDetailsChanged', emailsReserved: false };
const [first, second] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'];

/** Field -> when it was last set. */
const since = (...events: { type: string }[]) =>
  Object.fromEntries(
    Object.entries(rowsAfter(customerProvenance, recorded(...events))[0]?.fields ?? {}).map(([field, { at }]) => [
      field,
      at,
    ]),
  );

describe('where a field comes from', () => {
  it('is the event that set it last, for each of the installation’s own fields as well', () => {
    const custom = { tea: 'black', size: 'M', colour: 'red' };
    expect(since(created, { ...changed, name: '张三丰', custom } as never)).toEqual({
      name: second,
      type: first,
      'custom.tea': second,
      'custom.size': first,
      'custom.colour': second,
    });
  });

  it('is nowhere once the field was cleared or erased', () => {
    const gone = { ...changed, name: { erased: true }, customerType: null, custom: { size: 'M' } };
    expect(since(created, gone as never)).toEqual({ 'custom.size': first });
  });
});

describe('what was configured', () => {
  it('is known as it was defined last', () => {
    const classed = { type: 'FieldClassed', field: 'phones', class: 'sensitive' };
    const again = { ...classed, class: 'normal' };
    expect(rowsAfter(privacyDefinitions, recorded(classed, again))).toEqual([
      { key: 'class phones', kind: 'FieldClassed', definition: { field: 'phones', class: 'normal' } },
    ]);
  });

  it('names systems as they are called now', () => {
    const made = { type: 'ConnectionMade', name: 'Shop', kind: 'json' };
    const renamed = { type: 'ConnectionChanged', name: '天猫店' };
    expect(rowsAfter(sourceNames, recorded<{ type: string }>(made, renamed, { type: 'ConnectionChanged' }))).toEqual([
      { id: streamId, name: '天猫店' },
    ]);
  });
});
