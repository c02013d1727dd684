import { interactionDocument, type InteractionDocument } from './interaction-document.view.ts';
import { present, type RecordType } from './record-type.ts';

export const interactions: RecordType<InteractionDocument> = {
  type: 'interactions',
  version: 1,
  document: interactionDocument,
  fields: {
    id: { type: 'keyword' },
    customerId: { type: 'keyword', customer: true, often: 'desc' },
    kind: { type: 'keyword', facet: true },
    direction: { type: 'keyword', facet: true },
    subject: { type: 'text' },
    outcome: { type: 'text', facet: true },
    participants: { type: 'tags', facet: true },
    followUpDueAt: { type: 'instant', from: ({ followUp }) => followUp?.dueAt },
    startedAt: { type: 'instant', often: 'desc' },
    endedAt: { type: 'instant' },
    archived: { type: 'boolean', facet: true },
    createdAt: { type: 'instant', often: 'desc' },
    updatedAt: { type: 'instant', often: 'desc' },
  },
  beside: ['content', 'followUp'],
  sort: '-startedAt',
  title: ({ subject, content }) => subject ?? content?.slice(0, 80),
  search: ({ subject, content, outcome, participants = [], followUp }) => ({
    name: present(subject, ...participants),
    text: present(content, outcome, followUp?.plan),
  }),
};
