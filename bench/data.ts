import type { CustomerEvent, CustomerFields, InteractionEvent } from '@throughline/contracts';
import { newId, noStream, type Append, type EventStore } from '@throughline/event-sourcing';
import { fullName, makePerson } from '../apps/demo/src/people.ts';
import { Random } from '../apps/demo/src/random.ts';
import { byWriters } from './harness.ts';

export { Random };

const more = [...'安博辰德恩方光海涵宏嘉健景凯岚磊林茂明宁鹏琪然荣森书思天维文希贤晓旭雅彦一英雨元泽哲振之志子'];
const endings =
  'son ley ford well man berg ton field wood worth ham stead by wick burn croft dale hurst more shaw'.split(' ');

/**
 * A person as somebody would enter them, with a name, a house number and a birth date that few others have: most of them look
 * like nobody else. `unique` keeps their e-mail apart from all others'.
 */
export function customerFields(random: Random, unique: number) {
  const made = makePerson(random, unique);
  const person =
    made.language === 'zh'
      ? { ...made, givenName: random.pick(more) + [...made.givenName].at(-1) }
      : { ...made, familyName: made.familyName + random.pick(endings) + random.pick(endings) };
  const { countryCode: country, province, city, district, postcode } = person.place;
  const number = random.int(1, 2_000);
  const street = person.language === 'zh' ? `${person.place.street}${number}号` : `${number} ${person.place.street}`;
  const day = new Date(Date.UTC(1940, 0, 1 + random.int(0, 25_000)));
  return {
    kind: 'person',
    name: fullName(person),
    givenName: person.givenName,
    familyName: person.familyName,
    emails: [{ value: person.email, primary: true }],
    phones: [{ value: person.phone, label: 'mobile' }],
    addresses: [{ country, province, city, district, street, postcode }],
    birthDate: day.toISOString().slice(0, 10),
    source: random.pick(['web', 'shop', 'fair', 'referral']),
    tags: [random.pick(['vip', 'b2b', 'new'])],
  } satisfies CustomerFields;
}

export const customerCreated = (random: Random, unique: number): CustomerEvent => ({
  type: 'CustomerCreated',
  number: `B-${unique}`,
  ...customerFields(random, unique),
  emailsReserved: false,
});

const phrases = [
  'Asked for the price of the large box and when it can be delivered.',
  '想了解年度合同的折扣，以及是否可以分期付款。',
  'Will talk to the finance department and call back next week.',
  '对上次的服务很满意，愿意推荐给同行。',
  'Wants the invoice on another address, and a sample of the green tea.',
  '希望周五之前收到新的报价单和交货时间表。',
];

/** A call with a customer, all of its text personal. */
export const interactionLogged = (random: Random, customerId: string) =>
  ({
    type: 'InteractionLogged',
    customerId,
    kind: 'call',
    direction: random.pick(['inbound', 'outbound']),
    subject: random.pick(phrases).slice(0, 24),
    content: [random.pick(phrases), random.pick(phrases), random.pick(phrases)].join(' '),
    startedAt: '2026-01-05T09:30:00.000Z',
  }) satisfies InteractionEvent;

export const clerk = {
  actor: { type: 'user' as const, id: '00000000-0000-7000-8000-000000000001' },
  entry: 'person' as const,
  source: 'web',
  correlationId: '4bf92f3577b34da6a3ce929d0e0e4736',
};

/** An append of events to a new stream, as `Commands` would send it. */
export function appendOf(type: string, id: string, events: Append['streams'][number]['events']): Append {
  const now = new Date().toISOString();
  const { actor, source, correlationId } = clerk;
  const command = { id: `user:${actor.id}/${newId()}`, actor: `user:${actor.id}`, bodyHash: Buffer.alloc(32, 7) };
  return {
    streams: [{ type, id, head: noStream, events }],
    meta: { actor, source, correlationId, commandId: command.id },
    occurredAt: now,
    recordedAt: now,
    command,
  };
}

const eventsAStream = 10;

/** Fills a store with customers: each is created and then changed nine times, every event with personal data. */
export async function fillWithCustomers(store: EventStore, events: number): Promise<number> {
  const random = new Random('customers');
  const streams = Math.ceil(events / eventsAStream);
  await byWriters(32, streams, (index) => {
    const changes = Array.from({ length: eventsAStream - 1 }, (_, change): CustomerEvent => {
      const { phones, addresses } = customerFields(random, change);
      return { type: 'CustomerDetailsChanged', phones, addresses, emailsReserved: false };
    });
    return store.append(appendOf('customer', newId(), [customerCreated(random, index), ...changes]));
  });
  return streams * eventsAStream;
}
