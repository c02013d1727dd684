import { describe, expect, it } from '@jest/globals';
import { expectToPass } from './run.ts';

describe('a chaos run', () => {
  it('loses, doubles and reorders nothing over Kafka and Elasticsearch', async () => {
    const said = await expectToPass({ seed: '35', events: 4_000, faults: 10, stack: true });
    expect(said.join('\n')).toMatch(/now .* restart kafka/);
  }, 600_000);
});
