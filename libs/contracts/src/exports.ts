import { Type, type Static } from 'typebox';
import { customerEvents } from './customers.ts';
import { Personal, described, event, personalOf, type EventOf } from './event.ts';
import { DateText, InstantText, OneOf } from './money.ts';

export const tableFormats = ['csv', 'xlsx'] as const;
export type TableFormat = (typeof tableFormats)[number];

/** What of the customers was asked for. */
export const Selection = Type.Object(
  {
    q: Type.Optional(Type.String()),
    filter: Type.Optional(Type.Unknown()),
    sort: Type.Optional(Type.Unknown()),
  },
  {
    title: 'Selection',
    description:
      'What selected the records; `…` stands for words, and for values of fields that may say who somebody is.',
  },
);
export type Selection = Static<typeof Selection>;

const unsaid = '…';
const placesOfAddresses = ['country', 'province', 'city', 'district', 'regionCode'];
const telling = new Set([...personalOf(customerEvents.CustomerCreated.data).keys(), ...placesOfAddresses]);

/** Whether values of a field of customers name nobody, so that they may be known after an erasure. */
export const namesNobody = (field: string): boolean => !telling.has(field) && !field.includes('.');

/** The selection without what may name people: which fields were asked of, and how, stays. */
export const withoutNames = ({ q, filter, ...order }: Selection): Selection => ({
  ...(q !== undefined && { q: unsaid }),
  ...(filter !== undefined && { filter: filterWithoutNames(filter) }),
  ...order,
});

function filterWithoutNames(filter: unknown): unknown {
  if (Array.isArray(filter)) return filter.map(filterWithoutNames);
  return mapped(filter, (name, value) => {
    if (name === 'and' || name === 'or' || name === 'not') return filterWithoutNames(value);
    return namesNobody(name) ? value : withoutValues(value);
  });
}

function withoutValues(asked: unknown): unknown {
  if (typeof asked === 'boolean' || asked === null) return asked;
  return typeof asked === 'object' && !Array.isArray(asked)
    ? mapped(asked, (_, value) => withoutValues(value))
    : unsaid;
}

const mapped = (object: unknown, change: (name: string, value: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(Object(object)).map(([name, value]) => [name, change(name, value)]));

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
