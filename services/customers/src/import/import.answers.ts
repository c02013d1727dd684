import { messageOf, type Job, type Language } from '@throughline/service';
import type { PreviewRow } from './import-preview.store.ts';
import type { RowError } from './import-row.ts';
import type { RejectedRow } from './import-rows.store.ts';

/** A check, the rows that it told something of, and the same by line. */
type CheckSaid = { job: Job; errors: readonly RejectedRow[]; warnings: readonly RejectedRow[] };

/** What the errors file says beside the columns of the file. */
export const columnsBeside = {
  line: { en: 'Import line', zh: '导入行号' },
  reason: { en: 'Import reason', zh: '导入失败原因' },
};

const shownError = ({ column, code, params }: RowError, language: Language) => ({
  column,
  ...(column === null && typeof params?.['field'] === 'string' && { field: params['field'] }),
  code,
  message: messageOf(language, code === 'duplicate-found' ? 'possible-duplicate' : code, params),
});

const shownErrors = (errors: readonly RowError[], language: Language) =>
  errors.map((error) => shownError(error, language));

const shownRows = (rows: readonly RejectedRow[], language: Language) =>
  rows.map((row) => ({ ...row, errors: shownErrors(row.errors, language) }));

export const shownPreview = (row: PreviewRow, language: Language) => ({
  ...row,
  errors: shownErrors(row.errors, language),
  warnings: shownErrors(row.warnings, language),
});

export const shownCheck = ({ job, errors, warnings }: CheckSaid, isStale: boolean, language: Language) => ({
  ...job,
  isStale,
  errors: shownRows(errors, language),
  warnings: shownRows(warnings, language),
});

export const reasonOf = (error: RowError, language: Language): string => {
  const { column, field, message } = shownError(error, language);
  const place = column ?? field;
  return place === undefined ? message : `${place}: ${message}`;
};
