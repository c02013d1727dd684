import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Stored } from '@throughline/event-sourcing';
import { MalformedMessage, fromMessage, toMessage, type Message } from './index.ts';

const word = fc.string({ unit: 'grapheme', minLength: 1 });
const instant = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
/** JSON objects with every kind of white space and number, as another writer might have left them. */
const json = fc.tuple(fc.dictionary(word, fc.jsonValue()), fc.constantFrom(undefined, 1, '\t')).map(([value, indent]) =>
  JSON.stringify(value, undefined, indent)
    .replace(/^\{/, '{ "1.0": 1.0, "1.0": 12345678901234567890, "2": 1E5,')
    .replace(/,\s*\}$/, '}'),
);
const ciphertexts = fc.dictionary(
  fc.uuid(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')),
);
const count = fc.nat({ max: 2 ** 31 - 1 });
const event: fc.Arbitrary<Stored> = fc.record({
  id: fc.uuid(),
  type: fc.stringMatching(/^[A-Z][A-Za-z0-9.]{0,30}$/),
  schemaVersion: fc.integer({ min: 1, max: 99 }),
  stream: fc.record({ type: fc.stringMatching(/^[a-z-]{1,20}$/), id: word, version: count }),
  position: fc.maxSafeNat(),
  generation: fc.uuid(),
  data: json,
  personal: fc.oneof(
    fc.constant(null),
    ciphertexts.map((blobs) => JSON.stringify(blobs)),
  ),
  meta: fc
    .record({
      source: word,
      traceparent: fc.option(fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/), { nil: undefined }),
    })
    .map((meta) => JSON.stringify(meta)),
  occurredAt: instant,
  recordedAt: instant,
  effectiveAt: instant,
  hash: fc.stringMatching(/^[0-9a-f]{64}$/),
});
const example: Stored = {
  id: '0198c0de-0000-7000-8000-000000000001',
  type: 'DealWon',
  schemaVersion: 2,
  stream: { type: 'deal', id: '0198c0de-0000-7000-8000-000000000002', version: 3 },
  position: 42,
  generation: '0198c0de-0000-7000-8000-000000000003',
  data: '{"value":{"amount":"10.00","currency":"EUR"}}',
  personal: '{"0198c0de":"c2VjcmV0"}',
  meta: '{"actor":{"type":"user","id":"u1"},"source":"web","correlationId":"c","commandId":"k","traceparent":"00-ab-cd-01"}',
  occurredAt: '2026-03-31T08:15:00.000Z',
  recordedAt: '2026-03-31T08:15:01.000Z',
  effectiveAt: '2026-03-31T08:15:00.500Z',
  hash: 'ab'.repeat(32),
};

describe('a message', () => {
  it('brings every event back to the byte', () => {
    fc.assert(
      fc.property(event, count, (stored, previous) => {
        expect(fromMessage('sales', toMessage('sales', stored, previous))).toEqual({ event: stored, previous });
      }),
      { numRuns: 500 },
    );
  });

  it('is a CloudEvent in binary mode, whose value is JSON', () => {
    const { key, value, headers } = toMessage('sales', example, 41);
    expect(key).toBe('deal:0198c0de-0000-7000-8000-000000000002');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: example.id,
      ce_type: 'crm.sales.DealWon.v2',
      ce_source: '/throughline/sales',
      ce_subject: key,
      ce_time: '2026-03-31T08:15:00.000Z',
      previous: '41',
      traceparent: '00-ab-cd-01',
    });
    expect(JSON.parse(value.toString())).toEqual({
      data: { value: { amount: '10.00', currency: 'EUR' } },
      personal: { '0198c0de': 'c2VjcmV0' },
    });
  });

  it('that is damaged or of somebody else is refused, without a word of what is inside', () => {
    const good = toMessage('sales', { ...example, data: '{"secret":"Ada"}' }, 41);
    const without = (name: string): Message => {
      const { [name]: _, ...headers } = good.headers;
      return { ...good, headers };
    };
    const withHeader = (name: string, header: string): Message => ({
      ...good,
      headers: { ...good.headers, [name]: header },
    });
    const damaged: Message[] = [
      ...Object.keys(good.headers)
        .filter((name) => !/^(content-type|traceparent|ce_(specversion|source|subject))$/.test(name))
        .map(without),
      withHeader('position', 'Ada'),
      withHeader('position', '-1'),
      withHeader('meta', '{"Ada'),
      withHeader('data_length', '3'),
      withHeader('ce_type', 'crm.customers.DealWon.v1'),
      { ...good, key: 'Ada' },
      { ...good, value: Buffer.from('Ada') },
      { ...good, value: Buffer.alloc(0) },
      { ...good, value: good.value.subarray(0, -1) },
      { ...good, value: Buffer.from(good.value.toString().replace('"Ada"', 'Ada!!')) },
    ];
    for (const message of damaged) {
      const thrown = catchError(() => fromMessage('sales', message));
      expect(thrown).toBeInstanceOf(MalformedMessage);
      expect(thrown?.message).not.toContain('Ada');
    }
  });
});

function catchError(work: () => unknown): Error | undefined {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return undefined;
}
