import { describe, expect, it } from '@jest/globals';
import { recorded, rowsOf } from '../../test/folding.ts';
import { organisation } from './organisation.view.ts';

describe("the organisation's settings", () => {
  it('are one row, of what was said last about each', () => {
    const events = [
      { type: 'OrganisationConfigured', baseCurrency: 'USD', timeZone: 'Asia/Shanghai' },
      { type: 'OrganisationConfigured', name: 'Throughline', baseCurrency: 'CNY' },
    ];
    expect(
      rowsOf(
        organisation,
        events.map((event) => recorded(event, 'any')),
      ),
    ).toEqual([{ id: 'organisation', baseCurrency: 'CNY', timeZone: 'Asia/Shanghai' }]);
  });
});
