import { described, event, type EventOf } from './event.ts';
import { OneOf, Uuid } from './money.ts';

export const exportFormats = ['json', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Who was told what is known about a person, a stream for each record, in analytics, which tells it. */
export const privacyEvents = {
  PersonalDataExported: event(
    'personal-data',
    {
      customerId: described(Uuid, 'The customer’s record.'),
      format: OneOf(exportFormats),
      language: described(OneOf(['zh', 'en'] as const), 'Language of the labels.'),
    },
    { description: 'All that is known about a person was handed out, to whom the envelope names.' },
  ),
};
export type PrivacyEvent = EventOf<typeof privacyEvents>;
