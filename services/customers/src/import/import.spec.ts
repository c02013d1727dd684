import { describe, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import type { ImportMapping } from './import-mapping.ts';
import { importing, mostCellsEdited, type FileReading } from './import.ts';

const given = scenario(importing);
const file = { object: 'customers', fileId: newId(), fileName: '客户.csv', bytes: 9 } as const;
const reading: FileReading = {
  format: 'csv',
  encoding: 'utf-8',
  delimiter: ',',
  hasHeader: true,
  header: ['姓名'],
  fingerprint: 'f',
};
const mapping: ImportMapping = {
  columns: [{ column: '姓名', field: 'name' }],
  defaults: {},
  matchBy: 'none',
  mode: 'create',
  policies: {},
};
const uploaded = [
  { type: 'ImportUploaded', ...file },
  { type: 'ImportRead', ...reading, header: ['姓名'] },
] as never[];
const mapped = { type: 'ImportMapped', mapping, isDateOrderChosen: false } as never;
const editId = newId();
const edited = { type: 'ImportCellsEdited', editId, cells: 2 } as const;
const edit = { type: 'EditCells', editId, cells: 2, timesRead: 1 } as const;
const started = { type: 'ImportStarted', restorePoint: 7 } as const;

describe('an import', () => {
  it('begins with a file and how it is read', () => {
    given()
      .when({ type: 'UploadImport', file, reading })
      .then(...uploaded);
  });
  it('is mapped, also again', () => {
    given(...uploaded, mapped)
      .when({ type: 'MapImport', mapping, isDateOrderChosen: false, savedAs: 'ERP' })
      .then({ ...(mapped as object), savedAs: 'ERP' } as never);
  });
  it('is not started before it is mapped, nor after it was read in another way', () => {
    given(...uploaded)
      .when({ type: 'StartImport', restorePoint: 7 })
      .thenRefused('import-not-mapped');
    given(...uploaded, mapped, uploaded[1] as never)
      .when({ type: 'CheckImport', checkId: newId() })
      .thenRefused('import-not-mapped');
  });
  it('has cells set by hand until it is started, as often as the limit says', () => {
    given(...uploaded)
      .when(edit)
      .then(edited);
    given(...uploaded)
      .when({ ...edit, cells: 0 })
      .thenNothing();
    given(...uploaded, { ...edited, cells: mostCellsEdited - 1 })
      .when(edit)
      .thenRefused('too-many-cells-edited');
    given(...uploaded, mapped, started)
      .when(edit)
      .thenRefused('import-started');
  });
  it('loses them where it is read in another way', () => {
    const anew = { type: 'ImportRead', ...reading, delimiter: ';', header: ['姓名'] } as never;
    given(...uploaded, { ...edited, cells: mostCellsEdited }, anew)
      .when({ ...edit, timesRead: 2 })
      .then(edited);
    given(...uploaded, anew)
      .when(edit)
      .thenRefused('import-read-anew');
  });
  it('is started once, and stays as it is from then on', () => {
    given(...uploaded, mapped)
      .when({ type: 'StartImport', restorePoint: 7 })
      .then(started);
    given(...uploaded, mapped, started)
      .when({ type: 'StartImport', restorePoint: 9 })
      .thenNothing();
    given(...uploaded, mapped, started)
      .when({ type: 'MapImport', mapping, isDateOrderChosen: false })
      .thenRefused('import-started');
    given(...uploaded, mapped, started)
      .when({ type: 'ReadImport', reading })
      .thenRefused('import-started');
  });
  it('that nobody uploaded is not found', () => {
    given().when({ type: 'StartImport', restorePoint: 0 }).thenRefused('import-not-found');
  });
});
