import { hour, minute, second } from './calendar.ts';
import type { Delivery } from './delivery.ts';
import { Random } from './random.ts';

/** Networks are not tidy: some messages come late, some twice, some overtake each other. */
export const asDelivered = (random: Random, deliveries: readonly Delivery[]): Delivery[] => {
  const late = (delivery: Delivery): Delivery => {
    if (random.chance(0.06)) return { ...delivery, at: delivery.at + random.int(5, 3 * 24 * 60) * minute };
    return random.chance(0.1) ? { ...delivery, at: delivery.at + random.int(2, 90) * second } : delivery;
  };
  const again = (delivery: Delivery): Delivery[] => {
    if (random.chance(0.03)) return [delivery, { ...delivery, at: delivery.at + random.int(5, 300) * second }];
    if (random.chance(0.02)) return [delivery, { ...anew(delivery), at: delivery.at + random.int(1, 36) * hour }];
    return [delivery];
  };
  const anew = (delivery: Delivery): Delivery => {
    const ids = new Set(['x-shopify-webhook-id', 'x-wc-webhook-delivery-id', 'webhook-id', 'ce-id']);
    const headers = Object.fromEntries(
      Object.entries(delivery.headers).map(([name, value]) => [name, ids.has(name) ? random.uuid() : value]),
    );
    // A structured CloudEvent has its id within.
    const body =
      delivery.connection === 'sap' ? delivery.body.replace(/"id":"[^"]+"/, `"id":"${random.uuid()}"`) : delivery.body;
    return { ...delivery, headers, body };
  };
  return deliveries
    .flatMap((delivery) => again(late(delivery)))
    .map((delivery, index) => ({ delivery, index }))
    .toSorted((a, b) => a.delivery.at - b.delivery.at || a.index - b.index)
    .map(({ delivery }) => delivery);
};

/** The same deliveries in another order. */
export const shuffled = (deliveries: readonly Delivery[], seed: number): Delivery[] =>
  new Random(`shuffle ${seed}`).shuffled(deliveries);
