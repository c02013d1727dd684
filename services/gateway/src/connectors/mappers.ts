import type { ConnectionKind } from '@throughline/contracts';
import { cloudEvents } from './cloudevents.ts';
import { type Delivery, type Mapper, Unmappable } from './connector.ts';
import { cloudEventRecords, jsonMapping } from './json-mapping.ts';
import { isSapEvent, sap, sapEvent } from './sap.ts';
import { shopify } from './shopify.ts';
import { shopifyHeader } from './signatures.ts';
import { woocommerce } from './woocommerce.ts';

/** With a mapping the connection's own; without one SAP's events are understood. */
const cloudEventsMapper: Mapper = (delivery, context) => {
  const events = cloudEvents(delivery.headers, delivery.body);
  if (!events) throw new Unmappable('Not a CloudEvent.');
  if (context.mapping !== undefined) return cloudEventRecords(events, delivery, context, 'cloudevents');
  return events.flatMap((event) => {
    if (isSapEvent(event)) return sapEvent(event, delivery, context);
    throw new Unmappable('The connection has no mapping for these events.');
  });
};

/** The connection's own mapping, over the body or over the CloudEvents that it is. */
const mappedAs =
  (kind: ConnectionKind): Mapper =>
  (delivery, context) => {
    const events = cloudEvents(delivery.headers, delivery.body);
    return events ? cloudEventRecords(events, delivery, context, kind) : jsonMapping(delivery, context, kind);
  };

const kafka: Mapper = (delivery, context) =>
  (context.mapping === undefined ? cloudEventsMapper : mappedAs('kafka'))(delivery, context);

const stripe: Mapper = () => {
  // Kept as failed rather than dropped: once payments are canonical events, a retry applies them.
  throw new Unmappable('Messages of Stripe cannot be mapped yet.');
};

/** How each kind of connection turns a delivery into what was seen. */
export const mappers: Record<ConnectionKind, Mapper> = {
  shopify,
  woocommerce,
  stripe,
  sap,
  cloudevents: cloudEventsMapper,
  json: mappedAs('json'),
  kafka,
};

/** Why nothing came of a delivery that is in order, with the topic that it names outside of its body. */
export function unusedReason({ headers }: Delivery): string {
  const topic = shopifyHeader(headers, 'topic') ?? headers['x-wc-webhook-topic'] ?? headers['ce-type'];
  return `It says nothing that is recorded here${topic ? ` (${topic})` : ''}.`;
}
