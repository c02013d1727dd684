import { known, type EventData, type ImportEvent, type ImportObject } from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider } from '@throughline/event-sourcing';
import type { ImportMapping } from './import-mapping.ts';

/** How a file is read: found out from its bytes, or as somebody said. */
export type FileReading = {
  format: 'csv' | 'xlsx';
  encoding?: string | undefined;
  delimiter?: string | undefined;
  sheet?: string | undefined;
  sheets?: readonly string[] | undefined;
  hasHeader: boolean;
  headerRow?: number | undefined;
  header: readonly string[];
  fingerprint: string;
};
export type UploadedFile = { object: ImportObject; fileId: string; fileName: string; bytes: number };

/** How often cells of one import can be set by hand, one set twice counted twice. */
export const mostCellsEdited = 20_000;

export type ImportCommand =
  | { type: 'UploadImport'; file: UploadedFile; reading: FileReading }
  | { type: 'ReadImport'; reading: FileReading }
  | { type: 'MapImport'; mapping: ImportMapping; isDateOrderChosen: boolean; savedAs?: string | undefined }
  /** `timesRead`: as the state said when the cells were looked at. */
  | { type: 'EditCells'; editId: string; cells: number; timesRead: number }
  | { type: 'CheckImport'; checkId: string }
  | { type: 'StartImport'; restorePoint: number; passesAs?: readonly string[] | undefined };

export type Import = {
  status: 'none' | 'uploaded' | 'mapped' | 'started';
  file?: UploadedFile;
  reading?: FileReading;
  mapping?: ImportMapping | undefined;
  savedAs?: string | undefined;
  timesRead: number;
  /** Those that set cells by hand since it was read. */
  edits: readonly string[];
  cellsEdited: number;
  /** The last check of this mapping. */
  checkId?: string | undefined;
  /** Whether cells were edited since. */
  isCheckStale?: boolean;
  restorePoint?: number;
  /** The roles of who asked to pass the duplicate rules. */
  passesAs?: readonly string[] | undefined;
};

/** A file on its way to become records. Once started it is a batch of the same id. */
export const importing: Decider<Import, ImportCommand, ImportEvent> = {
  category: 'import',
  initial: { status: 'none', timesRead: 0, edits: [], cellsEdited: 0 },

  decide(state, command) {
    if (command.type === 'UploadImport') {
      if (state.status !== 'none') throw conflict('import-exists');
      return [{ type: 'ImportUploaded', ...command.file }, readEvent(command.reading)];
    }
    if (state.status === 'none') throw notFound('import-not-found');
    if (state.status === 'started') {
      if (command.type === 'StartImport') return [];
      throw conflict('import-started');
    }
    switch (command.type) {
      case 'ReadImport':
        return [readEvent(command.reading)];
      case 'MapImport': {
        const { mapping, isDateOrderChosen, savedAs } = command;
        return [{ type: 'ImportMapped', mapping, isDateOrderChosen, ...(savedAs !== undefined && { savedAs }) }];
      }
      case 'EditCells': {
        const { editId, cells, timesRead } = command;
        if (cells === 0) return [];
        if (timesRead !== state.timesRead) throw conflict('import-read-anew');
        if (state.cellsEdited + cells > mostCellsEdited) {
          throw invalid('too-many-cells-edited', [], { limit: mostCellsEdited });
        }
        return [{ type: 'ImportCellsEdited', editId, cells }];
      }
      case 'CheckImport':
        if (!state.mapping) throw conflict('import-not-mapped');
        return [{ type: 'ImportCheckStarted', checkId: command.checkId }];
      case 'StartImport': {
        if (!state.mapping) throw conflict('import-not-mapped');
        const { restorePoint, passesAs } = command;
        return [{ type: 'ImportStarted', restorePoint, ...(passesAs && { passesAs: [...passesAs] }) }];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ImportUploaded': {
        const { object, fileId, bytes } = event;
        return { ...state, status: 'uploaded', file: { object, fileId, fileName: known(event.fileName) ?? '', bytes } };
      }
      case 'ImportRead': {
        const { format, encoding, delimiter, sheet, sheets, hasHeader, headerRow, header, fingerprint } = event;
        const reading = { format, encoding, delimiter, hasHeader, headerRow, fingerprint };
        const texts = { sheet: known(sheet), sheets: known(sheets), header: known(header) ?? [] };
        return {
          ...state,
          status: 'uploaded',
          reading: { ...reading, ...texts },
          timesRead: state.timesRead + 1,
          mapping: undefined,
          checkId: undefined,
          edits: [],
          cellsEdited: 0,
        };
      }
      case 'ImportMapped':
        return {
          ...state,
          status: 'mapped',
          mapping: known<EventData>(event.mapping) as ImportMapping | undefined,
          savedAs: known(event.savedAs),
          checkId: undefined,
        };
      case 'ImportCellsEdited': {
        const [edits, cellsEdited] = [[...state.edits, event.editId], state.cellsEdited + event.cells];
        return { ...state, edits, cellsEdited, isCheckStale: true };
      }
      case 'ImportCheckStarted':
        return { ...state, checkId: event.checkId, isCheckStale: false };
      case 'ImportStarted':
        return { ...state, status: 'started', restorePoint: event.restorePoint, passesAs: event.passesAs };
    }
  },

  fields: ({ status, file, reading, mapping, cellsEdited, savedAs, restorePoint }) => ({
    status,
    object: file?.object,
    file: { name: file?.fileName, bytes: file?.bytes },
    reading,
    mapping: mapping ?? null,
    cellsEdited,
    ...(savedAs !== undefined && { savedAs }),
    ...(restorePoint !== undefined && { restorePoint }),
  }),
};

function readEvent({ header, sheets, ...reading }: FileReading): ImportEvent {
  const said = Object.fromEntries(Object.entries(reading).filter(([, value]) => value !== undefined)) as typeof reading;
  const { encoding, delimiter, sheet, headerRow, ...rest } = said;
  return {
    type: 'ImportRead',
    ...rest,
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter }),
    ...(sheet !== undefined && { sheet }),
    ...(headerRow !== undefined && { headerRow }),
    ...(sheets && { sheets: [...sheets] }),
    header: [...header],
  };
}
