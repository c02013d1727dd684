import { Type, type Static } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { DateText, InstantText, OneOf } from './money.ts';

export const tableFormats = ['csv', 'xlsx'] as const;
export type TableFormat = (typeof tableFormats)[number];

/** What of the customers was asked for; the filter may name people. */
export const Selection = Type.Object(
  {
    q: Type.Optional(Type.String()),
    filter: Type.Optional(Type.Unknown()),
    sort: Type.Optional(Type.Unknown()),
  },
  { title: 'Selection', description: 'What selected the records, as it was asked.' },
);
export type Selection = Static<typeof Selection>;

const rowsPerDay = described(
  Type.Integer({ minimum: 0 }),
  'How many rows one person may take in a day of the organisation; 0: as many as they like.',
);
export const ExportSettings = Type.Object({ rowsPerDay }, { title: 'ExportSettings' });
export type ExportSettings = Static<typeof ExportSettings>;

export const builtInExports: ExportSettings = { rowsPerDay: 0 };

export const exportEvents = {
  CustomersExported: event(
    'export',
    {
      day: described(DateText, 'Of the organisation, on which it counts.'),
      rows: Type.Integer({ minimum: 0 }),
      format: OneOf(tableFormats),
      columns: Type.Array(Type.String()),
      selection: Personal(Selection),
      asOf: described(Type.Optional(InstantText), 'The moment of the past that was asked for.'),
    },
    { description: 'A list of customers was handed out as a table, to whom the envelope names.' },
  ),
  ExportsConfigured: event(
    'export-settings',
    { rowsPerDay },
    { description: 'How much may be exported was defined, as a whole.' },
  ),
};
export type ExportEvent = EventOf<typeof exportEvents>;
