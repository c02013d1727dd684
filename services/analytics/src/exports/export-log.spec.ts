import { describe, it } from '@jest/globals';
import { scenario } from '@throughline/event-sourcing/scenario';
import { exportLog } from './export-log.ts';

const facts = (rows: number) => ({
  day: '2026-03-01',
  rows,
  format: 'csv' as const,
  columns: ['id', 'version'],
  selection: { q: '王' },
});
const exported = (rows: number) => ({ type: 'CustomersExported' as const, ...facts(rows) });
const take = (rows: number) => ({ type: 'ExportCustomers' as const, ...facts(rows) });

describe('what somebody exports in a day', () => {
  const given = scenario(exportLog, { rules: { rowsPerDay: 10 } });

  it('is recorded each time, however little it is', () => {
    given(exported(3)).when(take(3)).then(exported(3));
    given(exported(10)).when(take(0)).then(exported(0));
  });

  it('is as much as is allowed at most, in all', () => {
    given(exported(3), exported(4)).when(take(3)).then(exported(3));
    given(exported(3), exported(4)).when(take(4)).thenRefused('export-cap-reached');
    given().when(take(11)).thenRefused('export-cap-reached');
  });
});

describe('what somebody exports where no cap was set', () => {
  const given = scenario(exportLog, { rules: { rowsPerDay: 0 } });

  it('is as much as they like', () => {
    given(exported(3)).when(take(1_000_000)).then(exported(1_000_000));
  });
});
