import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Recorded } from '@throughline/contracts';
import { conflict, newId } from '@throughline/event-sourcing';
import { Service } from './service.ts';
import { eventually, startTestService, type TestService } from './testing.ts';

const seen: string[] = [];

@Controller()
class RefusesOddOnes {
  @EventPattern({ policy: 'refuses-odd-ones', event: 'CustomerArchived' })
  archived(@Payload() event: Recorded) {
    if (event.stream.id.endsWith('1')) throw conflict('odd');
    seen.push(`first ${event.stream.id}`);
  }
}

@Controller()
class WritesDown {
  @EventPattern({ policy: 'writes-down', event: 'CustomerArchived' })
  async archived(@Payload() event: Recorded) {
    await Promise.resolve();
    seen.push(`second ${event.stream.id}`);
  }
}

@Service({ name: 'interactions', policies: [RefusesOddOnes, WritesDown] })
class TwoPolicies {}

let service: TestService;
beforeAll(async () => {
  service = await startTestService(TwoPolicies, { listensTo: ['customers'] });
  await eventually(
    async () =>
      (
        await service.kernel.pool.query(
          `select 1 from checkpoints where subscription ~ 'policy:(refuses-odd-ones|writes-down)'`,
        )
      ).rowCount,
    (count) => count === 2,
  );
});
afterAll(() => service.end());

describe('two policies on one event', () => {
  const archive = (id: string) =>
    service.log('customers').append({ type: 'customer', id }, { type: 'CustomerArchived' });
  const odd = `${newId().slice(0, -1)}1`;
  const even = `${newId().slice(0, -1)}2`;

  it('both react, and the one that throws parks its event with the real reason, and stops nobody', async () => {
    await archive(odd);
    await archive(even);
    await eventually(
      async () => [...seen].sort(),
      (lines) => lines.length === 3,
    );
    expect(seen).toEqual(expect.arrayContaining([`first ${even}`, `second ${even}`, `second ${odd}`]));
    const { rows } = await service.kernel.pool.query('select policy, key, error from dead_letters');
    expect(rows).toEqual([{ policy: 'refuses-odd-ones', key: `customer:${odd}`, error: 'odd' }]);
  });
});
