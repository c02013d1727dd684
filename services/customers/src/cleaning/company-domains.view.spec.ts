import { describe, expect, it } from '@jest/globals';
import type { AnyEvent, CustomerEvent, Recorded } from '@throughline/contracts';
import { companiesOf, companyDomains, type CompanyDomain } from './company-domains.view.ts';

function rowsOf(...events: (CustomerEvent & { of: string })[]): CompanyDomain[] {
  const rows = new Map<string, readonly CompanyDomain[]>();
  for (const { type, of: id, ...data } of events) {
    const event = { type, data, stream: { type: 'customer', id, version: 1 } } as unknown as Recorded<AnyEvent>;
    rows.set(id, companyDomains.evolve(rows.get(id) ?? [], event));
  }
  return [...rows.values()].flat();
}

const said = { emailsReserved: false };
const made = (of: string, fields: object) => ({ type: 'CustomerCreated', number: of, ...said, ...fields, of }) as const;
const changed = (of: string, fields: object) => ({ type: 'CustomerDetailsChanged', ...said, ...fields, of }) as const;
const emails = (...values: string[]) => ({ emails: values.map((value) => ({ value })) });

describe('the company of a domain', () => {
  it('is the one that its records name, or are', () => {
    const rows = rowsOf(
      made('a', { kind: 'company', name: '青禾茶业', ...emails('info@qinghe.cn', 'a@qq.com') }),
      made('b', { name: '李', companyName: 'Acme', ...emails('li@mail.acme.de') }),
      made('c', { name: '王', ...emails('wang@nobody.cn') }),
    );
    expect(companiesOf(rows)).toEqual({ 'qinghe.cn': '青禾茶业', 'acme.de': 'Acme' });
  });

  it('is the one that most of them name', () => {
    const rows = rowsOf(
      made('a', { companyName: 'ACME', ...emails('a@acme.de') }),
      made('b', { companyName: 'Acme', ...emails('b@acme.de') }),
      made('c', { companyName: 'Acme', ...emails('c@acme.de') }),
    );
    expect(companiesOf(rows)).toEqual({ 'acme.de': 'Acme' });
  });

  it('follows what is changed, cleared and erased', () => {
    const rows = rowsOf(
      made('a', { name: '李' }),
      changed('a', { companyName: 'Acme' }),
      changed('a', emails('li@acme.de')),
      made('b', { kind: 'company', name: 'Beta', ...emails('x@beta.de') }),
      changed('b', { emails: null }),
      changed('b', { name: 'Beta AG', ...emails('x@beta.ch') }),
      made('c', { companyName: 'Gamma', ...emails('x@gamma.de') }),
      { type: 'CustomerErased', erasureId: 'e', of: 'c' },
    );
    expect(companiesOf(rows)).toEqual({ 'acme.de': 'Acme', 'beta.ch': 'Beta AG' });
  });
});
