import { describe, expect, it } from '@jest/globals';
import {
  calledBy,
  companyOf,
  leftOut,
  lookupKey,
  lookupsOf,
  outcomeOf,
  type Outcome,
  type Seen,
} from './import-relations.ts';
import type { CompanyReading, Relation, RowReading } from './import-row.ts';

const relation = (value: string, more: Partial<Relation> = {}): Relation => ({
  field: 'employerId',
  column: '公司',
  value,
  whenMissing: 'fail',
  ...more,
});
const keys = (value: string, more: Partial<Relation> = {}) => lookupsOf(relation(value, more)).map(lookupKey);
const reading = (row: RowReading['row'], more: Partial<RowReading> = {}): RowReading => ({
  row,
  relations: [],
  companies: [],
  matchBy: 'none',
  policies: {},
  errors: [],
  places: new Map(),
  formulas: 0,
  ...more,
});

describe('a relation', () => {
  it('is looked for by whatever its cell may be, the surest first', () => {
    expect(keys('青禾茶业（杭州）有限公司')).toEqual(['number:青禾茶业(杭州)有限公司', 'company:青禾茶业杭州有限公司']);
    expect(keys('Info@Example.org').slice(0, 2)).toEqual(['number:Info@Example.org', 'email:info@example.org']);
    expect(keys('9144-0300 70846 1136t')).toContain('registrationNumber:91440300708461136T');
    expect(keys('0198C2F2-0000-7000-8000-000000000001')).toEqual(['id:0198c2f2-0000-7000-8000-000000000001']);
  });

  it('is looked for by what the mapping says alone', () => {
    expect(keys('ACME, Inc.', { findBy: 'name' })).toEqual(['company:acmeinc']);
    expect(keys('Acme', { findBy: 'id' })).toEqual([]);
    expect(keys('Acme', { findBy: 'email' })).toEqual([]);
    expect(keys('M-17', { findBy: 'externalId' })).toEqual(['externalId:M-17']);
  });

  it('may mean anybody by name where somebody recommends, and a company elsewhere', () => {
    expect(keys('王 伟', { field: 'referredBy', findBy: 'name' })).toEqual(['name:王伟']);
  });
});

describe('a row of the file', () => {
  it('can be meant by all that tells its record', () => {
    const emails = [{ value: 'A@Example.org' }];
    expect(
      calledBy(reading({ name: 'Acme', kind: 'company', companyName: 'Acme Inc.', emails }, { number: 'K-1' })),
    ).toEqual(['number:K-1', 'email:a@example.org', 'name:acme', 'name:acmeinc', 'company:acme', 'company:acmeinc']);
  });

  it('is no company where it says that it is a person', () => {
    expect(calledBy(reading({ kind: 'person', familyName: '王', givenName: '伟', companyName: '青禾' }))).toEqual([
      'name:王伟',
    ]);
    expect(calledBy(reading({ companyName: '青禾' }))).toEqual(['name:青禾', 'company:青禾']);
  });
});

describe('what a relation comes to', () => {
  const first: Seen = { line: 7, choice: undefined, mentioned: undefined, round: { number: 1, isLast: false } };
  const found = { id: 'c', origin: 'there' } as const;
  const archived = { id: 'c', origin: 'archived' } as const;
  const open = { line: 9, isOpen: true };
  const acme = relation('Acme');
  const make = relation('Acme', { whenMissing: 'create' });
  const codeOf = (outcome: ReturnType<typeof outcomeOf>) => ('error' in outcome ? outcome.error.code : outcome.end);

  it('is the customer who is there', () => {
    expect(outcomeOf(acme, { ...first, choice: found })).toEqual({ end: 'linked', id: 'c' });
    expect(outcomeOf(acme, { ...first, choice: archived })).toEqual({ end: 'linked', id: 'c' });
    expect(outcomeOf(make, { ...first, choice: found })).toEqual({ end: 'linked', id: 'c' });
  });

  it('is an error that names the value, and those whom it may mean', () => {
    expect(outcomeOf(acme, first)).toEqual({
      end: 'wrong',
      error: { column: '公司', code: 'relation-not-found', params: { field: 'employerId', value: 'Acme' } },
    });
    expect(outcomeOf(make, { ...first, choice: { numbers: ['C-1', 'C-2'] } })).toMatchObject({
      error: { code: 'relation-ambiguous', params: { value: 'Acme', numbers: 'C-1, C-2' } },
    });
  });

  it('is left empty, or made, where the mapping says so', () => {
    expect(outcomeOf(relation('Acme', { whenMissing: 'leave-empty' }), first)).toMatchObject({
      end: 'empty',
      warning: { code: 'relation-left-empty' },
    });
    expect(outcomeOf(make, first)).toMatchObject({
      end: 'made',
      company: { key: 'company:acme' },
      warning: { code: 'relation-created' },
    });
    expect(outcomeOf(make, { ...first, choice: archived })).toMatchObject({
      end: 'made',
      company: { id: 'c' },
      warning: { code: 'relation-restored' },
    });
    // Made for another row, or before a kill.
    expect(outcomeOf(make, { ...first, choice: { id: 'c', origin: 'made' } })).toMatchObject({
      company: { id: 'c' },
      warning: { code: 'relation-created' },
    });
  });

  it('is never a company called like an address', () => {
    expect(codeOf(outcomeOf(relation('a@example.org', { whenMissing: 'create' }), first))).toBe('relation-not-found');
    expect(codeOf(outcomeOf(relation('…', { whenMissing: 'create' }), first))).toBe('relation-not-found');
  });

  it('waits for the row of the file that it means, but not for ever, and not for itself', () => {
    for (const one of [acme, make]) {
      expect(codeOf(outcomeOf(one, { ...first, mentioned: open }))).toBe('waits');
      expect(codeOf(outcomeOf(one, { ...first, mentioned: open, round: 'check' }))).toBe('left-open');
      const last = { number: 3, isLast: true };
      expect(codeOf(outcomeOf(one, { ...first, mentioned: open, round: last }))).toBe('relation-unsettled');
      expect(codeOf(outcomeOf(one, { ...first, mentioned: { line: 7, isOpen: true } }))).toBe('not-itself');
    }
    const refused = { ...first, mentioned: { line: 9, isOpen: false } };
    expect(codeOf(outcomeOf(acme, refused))).toBe('relation-not-found');
    expect(codeOf(outcomeOf(make, refused))).toBe('made');
  });
});

describe('the company of a relation', () => {
  const acme = relation('Acme', { whenMissing: 'create' });
  const places = new Map([['industry', '公司行业']]);
  const said: CompanyReading = { role: 'employer', reading: reading({ industry: '茶' }, { places }) };
  const warning = { column: null, code: 'relation-created' };
  const statusOf = (outcome: Outcome, reading?: CompanyReading) =>
    companyOf(acme, outcome, reading, (key) => `made of ${key}`).map(({ id, status }) => [id, status]);

  it('is to be made, brought back or told what the row says of it', () => {
    const key = 'company:acme';
    expect(statusOf({ end: 'made', company: { key }, warning })).toEqual([['made of company:acme', 'missing']]);
    expect(statusOf({ end: 'made', company: { id: 'c', isArchived: true }, warning })).toEqual([['c', 'archived']]);
    expect(statusOf({ end: 'made', company: { id: 'c', isArchived: false }, warning })).toEqual([['c', 'there']]);
    expect(statusOf({ end: 'linked', id: 'c' }, said)).toEqual([['c', 'there']]);
  });

  it('is let alone where the row says nothing of it, or where it is none', () => {
    expect(statusOf({ end: 'linked', id: 'c' })).toEqual([]);
    expect(statusOf({ end: 'empty', warning }, said)).toEqual([]);
    expect(statusOf({ end: 'waits' }, said)).toEqual([]);
  });

  it('that is none has what the columns say of it left out, and defaults say nothing', () => {
    expect(leftOut(said)).toEqual([{ column: '公司行业', code: 'company-left-out', params: { field: 'employerId' } }]);
    expect(leftOut({ ...said, reading: reading({ industry: '茶' }) })).toEqual([]);
  });
});
