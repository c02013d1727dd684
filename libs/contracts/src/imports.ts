import { Type } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { OneOf, Uuid } from './money.ts';

const text = Type.String();

/** What can be imported. */
export const importObjects = ['customers'] as const;
export type ImportObject = (typeof importObjects)[number];

export const importEvents = {
  ImportUploaded: event(
    'import',
    {
      object: described(OneOf(importObjects), 'What its rows are.'),
      fileId: described(Uuid, 'The bytes, which are kept encrypted for a while.'),
      fileName: Personal(text),
      bytes: Type.Integer({ minimum: 1 }),
    },
    { description: 'A file was uploaded, to be imported.' },
  ),
  ImportRead: event(
    'import',
    {
      format: OneOf(['csv', 'xlsx']),
      encoding: Type.Optional(text),
      delimiter: Type.Optional(text),
      sheet: Type.Optional(Personal(text)),
      sheets: described(Type.Optional(Personal(Type.Array(text))), 'Names of the sheets that are not hidden.'),
      hasHeader: described(Type.Boolean(), 'Whether the first row names the columns; else they are A, B, C, …'),
      headerRow: described(
        Type.Optional(Type.Integer()),
        'Line of the file, or row of the sheet, that the table begins with, where somebody said so.',
      ),
      header: Personal(Type.Array(text)),
      fingerprint: described(text, 'Keyed hash of the header: the same header was mapped before.'),
    },
    {
      description:
        'It was found out how the file is to be read, or somebody said so. A mapping from before is void, and so are cells set by hand.',
    },
  ),
  ImportMapped: event(
    'import',
    {
      mapping: described(
        Personal(Type.Record(text, Type.Unknown())),
        'Columns to fields, how rows find their records, and what they may do to them.',
      ),
      savedAs: described(Type.Optional(Personal(text)), 'The name under which the mapping is offered again.'),
      isDateOrderChosen: described(
        Type.Optional(Type.Boolean()),
        'Whether somebody chose the order of dates. Otherwise it is that of this file’s dates, and says nothing of others with its header.',
      ),
    },
    { description: 'It was said what the columns mean.' },
  ),
  ImportCellsEdited: event(
    'import',
    {
      editId: described(Uuid, 'Under which the values are kept, encrypted and no longer than the file.'),
      cells: described(Type.Integer({ minimum: 1 }), 'How many cells.'),
    },
    { description: 'Somebody set cells by hand, instead of what the file says there.' },
  ),
  ImportCheckStarted: event(
    'import',
    { checkId: described(Uuid, 'The job that goes over the file without changing anything.') },
    { description: 'What the import would do is being found out.' },
  ),
  ImportStarted: event(
    'import',
    {
      restorePoint: described(Type.Integer({ minimum: 0 }), 'Position of the log before the first row.'),
      passesAs: described(
        Type.Optional(Type.Array(text)),
        'The roles of who asked to pass the duplicate rules; missing where nobody asked.',
      ),
    },
    { description: 'The rows are being imported, as the batch of the same id.' },
  ),
};
export type ImportEvent = EventOf<typeof importEvents>;
