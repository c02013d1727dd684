import { describe, it } from '@jest/globals';
import type { CustomerEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { builtInRules } from './customer-rules.ts';
import { customer, type CustomerCommand } from './customer.ts';

const given = scenario(customer, { rules: builtInRules });
const made = (number: string): CustomerCommand => ({ type: 'CreateCustomer', number, fields: { name: 'Anna' } });

describe('a customer’s number', () => {
  it('is claimed as it is shown and as it is compared, for ever', () => {
    given().when(made('C-1')).thenClaims('number:C-1');
    given().when(made('k-1')).thenClaims('number:k-1', 'number:K-1');
    given().when(made('Ｋ-1')).thenClaims('number:Ｋ-1', 'number:K-1');
    const created = {
      type: 'CustomerCreated',
      number: 'k-1',
      numberKey: 'K-1',
      name: 'Anna',
      emailsReserved: false,
    } as const;
    const erasureId = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01';
    given(created).when({ type: 'EraseCustomer', erasureId }).thenClaims('number:k-1', 'number:K-1');
  });

  it('that was given out before is claimed as it is compared once that is free', () => {
    const old: CustomerEvent = { type: 'CustomerCreated', number: 'k-1', name: 'Anna', emailsReserved: false };
    given(old)
      .when({ type: 'ChangeCustomer', changes: { title: 'CEO' } })
      .thenClaims('number:k-1');
    const claim = given(old).when({ type: 'ClaimValues', free: ['number:K-1'] });
    claim.then({ type: 'CustomerValuesClaimed', unique: [], numberKey: 'K-1' });
    claim.thenClaims('number:k-1', 'number:K-1');
    given(old).when({ type: 'ClaimValues', free: [] }).thenNothing();
  });
});
