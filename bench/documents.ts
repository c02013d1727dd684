import { emptyLedger, permissionsOf } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import type { CustomerDocument } from '../services/analytics/src/search/customer-document.view.ts';
import { Random, customerFields } from './data.ts';

const yearMilliseconds = 365 * 86_400_000;
const start = Date.parse('2025-01-01T00:00:00.000Z');
const stages = ['lead', 'contacted', 'customer', 'regular', 'lost'];

/** People as the search knows them, with orders and owners. */
export function* customerDocuments(count: number): Generator<CustomerDocument> {
  const random = new Random('documents');
  const owners = Array.from({ length: 50 }, () => newId());
  const instant = () => new Date(start + random.int(0, yearMilliseconds)).toISOString();
  for (let unique = 0; unique < count; unique += 1) {
    const number = `C-${String(unique).padStart(6, '0')}`;
    const createdAt = instant();
    yield {
      id: newId(),
      number,
      version: '1',
      numbers: [number],
      ...(customerFields(random, unique) as object),
      externalIds: [],
      archived: false,
      ...permissionsOf(emptyLedger),
      ownerId: random.pick(owners),
      lifecycle: random.pick(stages),
      revenue: { amount: `${random.int(1, 99_999)}.${random.digits(2)}`, currency: 'CNY' },
      revenueOther: [],
      type: random.pick(['existing', 'existing', 'new', 'potential']),
      typeSetBy: 'automatic',
      derivedType: 'existing',
      quality: random.int(0, 100),
      qualityIssues: [],
      orderCount: random.int(0, 30),
      firstOrderAt: createdAt,
      lastOrderAt: instant(),
      lastInteractionAt: null,
      createdAt,
      updatedAt: instant(),
    };
  }
}
