import { describe, expect, it } from '@jest/globals';
import { conflict, invalid } from '@throughline/event-sourcing';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { companyCommand, companyTasks, madeOtherwise, withoutNotDone, type CompanyTask } from './import-company.ts';
import type { NamedCompany } from './import-relations.ts';
import type { Relation, RowReading } from './import-row.ts';
import { unrelated, type PlannedRow } from './planned-row.ts';

const relation: Relation = { field: 'employerId', column: '公司', value: 'Acme', whenMissing: 'create' };
const read = (row: CustomerInput, more: Partial<RowReading> = {}): RowReading => ({
  row,
  relations: [],
  companies: [],
  matchBy: 'none',
  policies: {},
  errors: [],
  places: new Map(Object.keys(row).map((field) => [field, `公司 ${field}`])),
  formulas: 0,
  ...more,
});
/** A row that names a company, and says something of it. */
const naming = (said?: RowReading, company: Partial<NamedCompany> = {}): PlannedRow => ({
  line: 2,
  cells: ['x'],
  reading: read({}),
  fate: 'edit',
  id: 'p',
  versions: [1],
  changes: {},
  ...unrelated,
  companies: [
    {
      id: 'c',
      name: 'Acme',
      relation,
      status: 'missing',
      said: said && { role: 'employer', reading: said },
      ...company,
    },
  ],
});
const industry = (value: string) => read({ industry: value });
const done = ({ said }: CompanyTask) => said?.row.industry ?? null;

describe('what rows say of companies', () => {
  it('is done once, in the order of the rows', () => {
    const rows = [naming(industry('tea')), naming(industry('ale')), naming(), naming(industry('tea')), naming()];
    expect(companyTasks(rows).map(done)).toEqual(['tea', 'ale', null]);
  });

  it('is done again after something else where it overwrites, from the row on that says it then', () => {
    const saying = (line: number, value: string, policy: 'overwrite' | 'add') => ({
      ...naming(read({ industry: value }, { policies: { industry: policy } })),
      line,
    });
    const said = (policy: 'overwrite' | 'add') =>
      companyTasks(
        ['tea', 'tea', 'ale', 'tea'].flatMap((value, at) => [saying(at + 2, value, policy), naming(industry('rice'))]),
      ).map((task) => [done(task), task.line]);
    expect(said('add')).toEqual(['tea', 'rice', 'ale'].map((value) => [value, undefined]));
    expect(said('overwrite')).toEqual([
      ['tea', 2],
      ['rice', undefined],
      ['ale', 4],
      ['tea', 5],
    ]);
  });

  it('is not the same of two companies', () => {
    const rows = [naming(industry('tea')), naming(industry('tea'), { id: 'd' })];
    expect(companyTasks(rows).map(({ company }) => company.id)).toEqual(['c', 'd']);
  });

  it('comes after a company was brought back, and alone where it is there', () => {
    expect(companyTasks([naming(industry('tea'), { status: 'archived' })]).map(done)).toEqual([null, 'tea']);
    expect(companyTasks([naming(industry('tea'), { status: 'there' })]).map(done)).toEqual(['tea']);
    expect(companyTasks([naming(undefined, { status: 'there' })])).toEqual([]);
  });

  it('fills what is empty, unless the mapping says otherwise, and never renames', () => {
    const said = read({ industry: 'tea', size: '50' }, { policies: { size: 'overwrite', phones: 'add' } });
    const [task] = companyTasks([naming(said)]) as [CompanyTask];
    expect(companyCommand(task, 'C-1')).toEqual({
      type: 'ImportCustomer',
      number: 'C-1',
      mode: 'both',
      row: { kind: 'company', name: 'Acme', industry: 'tea', size: '50' },
      policies: { kind: 'never', name: 'never', industry: 'if-empty', size: 'overwrite' },
    });
    const [known] = companyTasks([naming(said, { status: 'there' })]) as [CompanyTask];
    expect(companyCommand(known, '').mode).toBe('update');
  });
});

describe('a row whose company is refused', () => {
  const wrong = invalid('invalid-customer', [
    { path: 'industry', code: 'too-long' },
    { path: 'region', code: 'rule-failed' },
  ]);
  const told = (row: PlannedRow, refusal = wrong) => {
    const notDone = new Map(companyTasks([row]).map(({ key }) => [key, refusal]));
    const after = withoutNotDone(row, notDone);
    return 'errors' in after
      ? [after.fate, ...after.errors.map(({ column, code }) => `${column} ${code}`)]
      : after.fate;
  };

  it('fails in the columns that are to blame, and else in the one that names the company', () => {
    expect(told(naming(industry('tea')))).toEqual(['failed', '公司 industry too-long', '公司 relation-not-made']);
    expect(told(naming(read({ industry: 'tea', region: 'x' })))).toEqual([
      'failed',
      '公司 industry too-long',
      '公司 region rule-failed',
    ]);
    expect(told(naming())).toEqual(['failed', '公司 relation-not-made']);
    expect(told(naming(industry('tea'), { status: 'there' }), conflict('phone-taken'))).toEqual([
      'failed',
      '公司 relation-not-changed',
    ]);
  });

  it('stays as it is where only what others say of the company is refused', () => {
    const row = naming(industry('tea'));
    expect(withoutNotDone(row, new Map([['c', wrong]]))).toBe(row);
  });

  it('that only names it is taken where another one was enough to make it', () => {
    const tasks = companyTasks([naming(), naming(industry('tea'))]);
    expect(madeOtherwise(tasks, () => true)).toEqual(['c']);
    expect(madeOtherwise(tasks, () => false)).toEqual([]);
  });
});
