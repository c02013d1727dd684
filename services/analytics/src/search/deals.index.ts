import { dealDocument, type DealDocument } from './deal-document.view.ts';
import { present, type RecordType } from './record-type.ts';

export const deals: RecordType<DealDocument> = {
  type: 'deals',
  version: 1,
  document: dealDocument,
  fields: {
    id: { type: 'keyword' },
    customerId: { type: 'keyword', customer: true, often: 'desc' },
    title: { type: 'text', often: 'asc' },
    value: { type: 'money', often: 'desc' },
    valueCurrency: { type: 'keyword', facet: true, from: ({ value }) => value.currency },
    pipelineId: { type: 'keyword', facet: true },
    stage: { type: 'keyword', facet: true },
    status: { type: 'keyword', facet: true },
    ownerId: { type: 'keyword', facet: true, often: 'desc' },
    expectedCloseOn: { type: 'date', often: 'asc' },
    closedAt: { type: 'instant', often: 'desc' },
    createdAt: { type: 'instant', often: 'desc' },
    updatedAt: { type: 'instant', often: 'desc' },
  },
  beside: ['lostReason'],
  sort: '-createdAt',
  title: ({ title }) => title ?? undefined,
  search: ({ title, lostReason }) => ({ name: present(title), text: present(lostReason) }),
};
