import { posix } from 'node:path';
import type { Archive } from './archive.ts';
import { builtInKind, kindOfFormat, type NumberKind } from './serial-dates.ts';
import { sharedTexts, type SharedTexts } from './shared-texts.ts';
import { TableError } from './table-error.ts';
import type { Limits, Sheet } from './table-types.ts';
import { parseXml, prefixed, type XmlHandlers } from './xml.ts';

/** What all sheets of an XLSX file share. */
export interface Workbook {
  sheets: (Sheet & { part: string })[];
  date1904: boolean;
  /** What a number is, by the style of its cell. */
  kindOfStyle: NumberKind[];
  texts: SharedTexts;
}

/** Reads everything of an XLSX file but its sheets. */
export async function readWorkbook(archive: Archive, limits: Limits): Promise<Workbook> {
  const parse = async (part: string, handlers: XmlHandlers) => {
    if (!archive.has(part)) return;
    for await (const _ of parseXml(archive.read(part), handlers, limits.rowCharacters)) continue;
  };
  const relationsOf = async (part: string) => {
    const relations: { id: string; type: string; target: string }[] = [];
    const { dir, base } = posix.parse(part);
    await parse(posix.join(dir, '_rels', `${base}.rels`), {
      open(name, { Id: id = '', Type: type = '', Target: target = '', TargetMode: mode }) {
        if (name !== 'Relationship' || mode === 'External') return;
        relations.push({ id, type: posix.basename(type), target: posix.resolve('/', dir, target).slice(1) });
      },
    });
    return relations;
  };
  const main = (await relationsOf('')).find(({ type }) => type === 'officeDocument')?.target ?? 'xl/workbook.xml';
  if (!archive.has(main)) throw new TableError('unreadable-archive');

  const relations = await relationsOf(main);
  const partOfType = (wanted: string) => relations.find(({ type }) => type === wanted)?.target ?? '';
  const sheets: Workbook['sheets'] = [];
  let date1904 = false;
  await parse(main, {
    open(name, attributes) {
      if (name === 'workbookPr') date1904 = ['1', 'true'].includes(attributes['date1904'] ?? '');
      if (name !== 'sheet') return;
      const relation = relations.find(({ id }) => id === prefixed(attributes, 'id'));
      if (relation?.type !== 'worksheet' || !archive.has(relation.target)) return; // a chart has a sheet of its own
      const hidden = (attributes['state'] ?? 'visible') !== 'visible';
      sheets.push({ name: attributes['name'] ?? '', hidden, part: relation.target });
    },
  });
  if (sheets.length === 0) throw new TableError('no-sheet');

  const kindOfStyle: NumberKind[] = [];
  const texts = sharedTexts(limits.sharedTextBytes);
  await parse(partOfType('styles'), stylesInto(kindOfStyle));
  await parse(partOfType('sharedStrings'), textsInto(texts, limits.rowCharacters));
  return { sheets, date1904, kindOfStyle, texts };
}

function stylesInto(kindOfStyle: NumberKind[]): XmlHandlers {
  const formats = new Map<number, NumberKind>();
  let inCellFormats = false;
  return {
    open(name, attributes) {
      const id = Number(attributes['numFmtId'] ?? 0);
      if (name === 'numFmt') formats.set(id, kindOfFormat(attributes['formatCode'] ?? ''));
      if (name === 'cellXfs') inCellFormats = true;
      if (name === 'xf' && inCellFormats) kindOfStyle.push(formats.get(id) ?? builtInKind(id));
    },
    close(name) {
      if (name === 'cellXfs') inCellFormats = false;
    },
  };
}

/** One text may be of several runs; how it is pronounced (`rPh`) is not part of it. */
function textsInto(texts: SharedTexts, limit: number): XmlHandlers {
  let text = '';
  let taking = false;
  let phonetic = false;
  return {
    open(name) {
      if (name === 'si') text = '';
      if (name === 'rPh') phonetic = true;
      if (name === 't') taking = !phonetic;
    },
    text(value) {
      if (taking) text += value;
      if (text.length > limit) throw new TableError('cell-too-long', { limit });
    },
    close(name) {
      if (name === 't') taking = false;
      if (name === 'rPh') phonetic = false;
      if (name === 'si') texts.add(text);
    },
  };
}
