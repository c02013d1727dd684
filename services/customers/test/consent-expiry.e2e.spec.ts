import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { consent, consentId } from '../src/consent/consent.ts';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

describe('a consent whose last day is over', () => {
  it('is noted to have expired, without anybody asking', async () => {
    const customerId = newId();
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    // Given when its end still lay ahead: the log of a service that was down since.
    const given = {
      type: 'ConsentGiven',
      customerId,
      purpose: 'newsletter',
      basis: 'consent',
      how: 'form',
      givenAt: '2026-01-01T00:00:00.000Z',
      expiresOn: yesterday,
    } as const;
    const asBefore = { ...consent, decide: () => [given] };
    await runInContext(systemContext('test'), () =>
      service.kernel.commands.execute(asBefore, consentId(customerId), { type: 'AllowContact' } as never, {
        rules: { purposes: [] },
      }),
    );
    const { events } = await eventually(
      () => service.kernel.commands.load(consent, consentId(customerId)),
      ({ version }) => version === 2,
    );
    expect(events[1]).toMatchObject({
      type: 'ConsentExpired',
      data: { customerId, purpose: 'newsletter', expiresOn: yesterday },
      meta: { actor: { type: 'policy' } },
    });
  });
});
