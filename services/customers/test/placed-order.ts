import { newId } from '@throughline/event-sourcing';
import type { TestService } from '@throughline/service/testing';

/** An order that sales took from a customer; answers with its position. */
export const placeOrder = (service: TestService, customerId: string, placedAt: string) =>
  service.log('sales').append({ type: 'order', id: newId() }, {
    type: 'OrderPlaced',
    customerId,
    number: '1001',
    status: 'open',
    currency: 'CNY',
    lines: [],
    taxIncluded: true,
    subtotal: '10.00',
    discount: '0',
    tax: '0',
    shipping: '0',
    total: '10.00',
    paid: '0',
    placedAt,
    baseCurrency: 'CNY',
    rate: '1',
  } as { type: string });
