import { describe, expect, it } from '@jest/globals';
import type { AnyEvent, CustomerEvent, Recorded } from '@throughline/contracts';
import { customerKeys, type CustomerKey } from './customer-keys.view.ts';

/** The keys of one customer. */
function keysOf(...events: CustomerEvent[]): string[] {
  const rows = events.reduce<readonly CustomerKey[]>((before, { type, ...data }) => {
    const event = { type, data, stream: { type: 'customer', id: 'c', version: 1 } } as unknown as Recorded<AnyEvent>;
    return customerKeys.evolve(before, event);
  }, []);
  return rows.map(({ kind, value }) => `${kind} ${value}`.trim()).toSorted();
}

const said = { emailsReserved: false };
const made = (fields: object) => ({ type: 'CustomerCreated', number: 'C-1', ...said, ...fields }) as CustomerEvent;
const changed = (fields: object) => ({ type: 'CustomerDetailsChanged', ...said, ...fields }) as CustomerEvent;

describe('what a customer is found by', () => {
  it('is all that tells it, in comparable form', () => {
    const emails = [{ value: 'A@Example.org' }];
    const phones = [{ value: '010-65541234', e164: '+861065541234' }];
    expect(keysOf(made({ name: 'Acme, Inc.', emails, phones, registrationNumber: '91-44 03.t' }))).toEqual([
      'email a@example.org',
      'name acmeinc',
      'phone +861065541234',
      'record',
      'registrationNumber 914403T',
    ]);
  });

  it('is both names of a company, and never the company that a person works for', () => {
    const names = { name: '青禾', companyName: '青禾茶业有限公司' };
    expect(keysOf(made({ kind: 'company', ...names }))).toEqual([
      'companyName 青禾',
      'companyName 青禾茶业有限公司',
      'record',
    ]);
    expect(keysOf(made({ kind: 'person', ...names }))).toEqual(['personName 青禾', 'record']);
  });

  it('follows what is changed, cleared and erased', () => {
    const acme = made({ name: 'Acme', companyName: 'Acme Ltd', registrationNumber: '1' });
    expect(keysOf(acme, changed({ kind: 'company' }))).toEqual([
      'companyName acme',
      'companyName acmeltd',
      'record',
      'registrationNumber 1',
    ]);
    expect(keysOf(acme, changed({ name: 'Beta', registrationNumber: null }))).toEqual(['name beta', 'record']);
    expect(keysOf(acme, { type: 'CustomerErased', erasureId: 'e' })).toEqual(['record']);
  });
});
