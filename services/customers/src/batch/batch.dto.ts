import { batchKinds } from '@throughline/contracts';
import { Actor, orNull, page, record } from '@throughline/service';
import { Type } from 'typebox';

const text = Type.String();
const uuid = Type.String({ format: 'uuid' });
const instant = Type.String({ format: 'date-time' });
const kind = Type.Union(batchKinds.map((one) => Type.Literal(one)));
const status = Type.Union(['running', 'done', 'stopped', 'failed'].map((one) => Type.Literal(one)));
const counts = Type.Record(text, Type.Integer());

const Progress = Type.Object(
  {
    state: text,
    done: Type.Integer(),
    total: orNull(Type.Integer()),
    counts,
    error: orNull(text),
  },
  { title: 'Progress' },
);

export const Batch = record('Batch', {
  kind,
  status,
  title: Type.Optional(text),
  undoes: Type.Optional(uuid),
  undoesConnection: Type.Optional(uuid),
  counts,
  progress: orNull(Progress),
});

export const BatchPage = page(
  'Batch',
  Type.Object(
    {
      id: uuid,
      kind,
      title: orNull(text),
      startedBy: Actor,
      startedAt: instant,
      finishedAt: orNull(instant),
      status,
      counts,
      undoes: orNull(uuid),
      undoesConnection: orNull(uuid),
      undoneBy: orNull(uuid),
    },
    { title: 'BatchListed' },
  ),
);

export const UndoPreview = page(
  'Undo',
  Type.Object(
    {
      recordId: uuid,
      number: text,
      /** What fields will show, of a merged customer of all its records together; null where that is nothing. */
      fields: Type.Record(text, Type.Unknown()),
      /** What those show now. */
      before: Type.Record(text, Type.Unknown()),
      record: orNull(Type.Union([Type.Literal('archive'), Type.Literal('restore'), Type.Literal('unmerge')])),
      /** What stays, since it was changed since. */
      kept: Type.Array(text),
      /** Of a merged customer those of its records that it is about. */
      records: Type.Optional(Type.Array(Type.Object({ recordId: uuid, number: text }, { title: 'RecordOfUndone' }))),
    },
    { title: 'UndoneRecord' },
  ),
);

export const BatchFailurePage = page(
  'BatchFailure',
  Type.Object(
    {
      recordId: uuid,
      code: text,
      message: text,
      errors: Type.Array(Type.Object({ path: text, code: text, message: text }, { title: 'FieldFailure' })),
    },
    { title: 'BatchFailure' },
  ),
);
