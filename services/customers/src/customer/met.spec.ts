import { describe, it } from '@jest/globals';
import { scenario } from '@throughline/event-sourcing/scenario';
import { customer, type CustomerCommand } from './customer.ts';
import { builtInRules } from './customer-rules.ts';
import type { Met } from './met.ts';

const now = '2026-01-15T08:00:00.000Z';
const interactionId = '0190a1b2-0000-7000-8000-000000000002';
const given = scenario(customer, { rules: builtInRules, now });
const meet = (met: Partial<Met> = {}, fields: object = {}): CustomerCommand => ({
  type: 'CreateCustomer',
  number: 'C-1',
  fields: { name: '李雷', ...fields },
  met: { interactionId, kind: 'visit', ...met },
});
const created = { type: 'CustomerCreated', number: 'C-1', name: '李雷', emailsReserved: false } as const;
const met = { type: 'CustomerMet', interactionId, kind: 'visit', startedAt: now } as const;

describe('a customer who is entered with an encounter', () => {
  it('is recorded with it, and comes from there unless it is said from where', () => {
    given()
      .when(meet())
      .then({ ...created, source: 'quick-add' }, met);
    given()
      .when(meet({}, { source: 'fair' }))
      .then({ ...created, source: 'fair' }, met);
  });

  it('is told in UTC when it was', () => {
    const times = { startedAt: '2026-01-15T15:00:00+08:00', endedAt: '2026-01-15T15:20:00+08:00' };
    given()
      .when(meet(times))
      .then(
        { ...created, source: 'quick-add' },
        { ...met, startedAt: '2026-01-15T07:00:00.000Z', endedAt: '2026-01-15T07:20:00.000Z' },
      );
  });

  it('is not recorded where the encounter cannot have been', () => {
    given()
      .when(meet({ startedAt: '2026-01-15T08:00:01Z' }))
      .thenRefused('invalid-customer');
    given()
      .when(meet({ endedAt: '2026-01-15T07:59:59Z' }))
      .thenRefused('invalid-customer');
  });
});

describe('a customer who says nothing of where it came from', () => {
  const create: CustomerCommand = { type: 'CreateCustomer', number: 'C-1', fields: { name: '李雷' } };
  it('came the way that it was entered', () => {
    for (const [entry, source] of [
      ['person', 'manual'],
      ['api', 'api'],
      ['import', 'import'],
    ] as const) {
      given()
        .when(create, { entry })
        .then({ ...created, source });
    }
    given()
      .when({ ...create, fields: { name: '李雷', source: null } }, { entry: 'api' })
      .then({ ...created, source: null });
  });
});
