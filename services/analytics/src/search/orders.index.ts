import { orderDocument, type OrderDocument } from './order-document.view.ts';
import { present, type RecordType } from './record-type.ts';

export const orders: RecordType<OrderDocument> = {
  type: 'orders',
  version: 2,
  document: orderDocument,
  fields: {
    id: { type: 'keyword' },
    number: { type: 'keyword', often: 'asc' },
    customerId: { type: 'keyword', customer: true, often: 'desc' },
    status: { type: 'keyword', facet: true },
    currency: { type: 'keyword', facet: true },
    baseCurrency: { type: 'keyword', facet: true },
    taxIncluded: { type: 'boolean', facet: true },
    subtotal: { type: 'money' },
    discount: { type: 'money' },
    tax: { type: 'money' },
    shipping: { type: 'money' },
    total: { type: 'money', often: 'desc' },
    paid: { type: 'money' },
    refunded: { type: 'money' },
    skus: { type: 'tags', facet: true, from: ({ lines }) => lines.flatMap(({ sku }) => present(sku)) },
    productIds: {
      type: 'tags',
      facet: true,
      from: ({ lines }) => lines.flatMap(({ productId }) => present(productId)),
    },
    connections: { type: 'tags', facet: true, from: (doc) => doc.externalIds.map(({ connectionId }) => connectionId) },
    placedAt: { type: 'instant', often: 'desc' },
    cancelledAt: { type: 'instant' },
    createdAt: { type: 'instant', often: 'desc' },
    updatedAt: { type: 'instant', often: 'desc' },
  },
  beside: ['lines', 'refunds', 'rate', 'note', 'externalIds'],
  sort: '-placedAt',
  title: ({ number }) => number,
  search: ({ number, lines, note, externalIds }) => ({
    text: present(note, ...lines.map(({ title }) => title)),
    code: present(number, ...lines.map(({ sku }) => sku), ...externalIds.map(({ id }) => id)),
  }),
};
