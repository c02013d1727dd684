import { isAscii } from 'node:buffer';
import iconv from 'iconv-lite';
import { piecesOf, type ByteSource } from './byte-source.ts';
import { COMMON_HAN } from './common-han.ts';
import { TableError } from './table-error.ts';

export interface Encoding {
  /** As iconv-lite names it: `utf-8`, `utf-16le`, `gb18030`, `big5`, `windows-1252`, … */
  name: string;
  /** Bytes of the byte order mark, 0 without one. */
  bomBytes: number;
}

const BOMS: [name: string, mark: Buffer][] = [
  ['utf-8', Buffer.from('efbbbf', 'hex')],
  ['utf-32le', Buffer.from('fffe0000', 'hex')],
  ['utf-32be', Buffer.from('0000feff', 'hex')],
  ['utf-16le', Buffer.from('fffe', 'hex')],
  ['utf-16be', Buffer.from('feff', 'hex')],
];

// What iconv-lite also knows under the name of an encoding.
const NO_CHARSETS = /^(base64|hex|binary|utf-7)/;
// Characters that are looked at: enough to tell, few enough to be quick.
const SAMPLE_CHARACTERS = 4000;

/**
 * The encoding of a text file: by its byte order mark, else by what its bytes can and probably do mean. A file that is
 * ASCII so far is read on until it is not.
 * @param asked what the user says it is: taken as it is
 * @throws TableError `unknown-encoding` when nothing fits, `not-a-table` for bytes that are no text
 */
export async function encodingOf(source: ByteSource, asked?: string): Promise<Encoding> {
  let sample: Buffer = Buffer.alloc(0);
  for await (const piece of piecesOf(source)) {
    const first = sample.length === 0;
    sample = piece;
    if (asked !== undefined) break;
    if (first && (bomOf(piece) || piece.includes(0))) break;
    if (!isAscii(piece)) break;
  }
  if (asked === undefined) return bomOf(sample) ?? { name: guessed(sample), bomBytes: 0 };

  const name = asked.toLowerCase().replace(/^utf-?(?=\d)/, 'utf-');
  if (!iconv.encodingExists(name) || NO_CHARSETS.test(name))
    throw new TableError('unknown-encoding', { encoding: asked });
  const bom = bomOf(sample);
  return bom?.name.startsWith(name) ? bom : { name, bomBytes: 0 };
}

function bomOf(sample: Buffer): Encoding | undefined {
  const found = BOMS.find(([, mark]) => sample.subarray(0, mark.length).equals(mark));
  if (!found) return undefined;
  const [name, { length }] = found;
  // Some programs put the mark of UTF-16 before UTF-32.
  const wider = length === 2 ? utf32(sample.subarray(2)) : undefined;
  return { name: wider ?? name, bomBytes: length };
}

function guessed(sample: Buffer): string {
  if (sample.includes(0)) {
    const wide = utf32(sample) ?? utf16(sample);
    if (wide === undefined) throw new TableError('not-a-table', { found: 'binary' });
    return wide;
  }
  if (isAscii(sample)) return 'utf-8';
  const han = [
    { name: 'gb18030', score: hanScore(sample, 'gb18030') },
    { name: 'big5', score: hanScore(sample, 'big5') },
  ].toSorted((a, b) => b.score - a.score)[0]!;
  const utf8 = utf8Score(sample);
  // A few Chinese words in GB18030 are by chance UTF-8 too, of two bytes a character ("一些").
  if (utf8 === 'certain' || (utf8 === 'possible' && han.score < 0.9)) return 'utf-8';
  if (han.score >= 0.4) return han.name;
  if (looksLatin(sample)) return 'windows-1252';
  throw new TableError('unknown-encoding');
}

/** Three of four bytes of almost all characters are zero, always the same ones. */
function utf32(sample: Buffer): string | undefined {
  const units = Math.floor(sample.length / 4);
  if (units === 0) return undefined;
  const valid = (codePoint: number) => codePoint > 0 && codePoint <= 0x10ffff;
  const all = (test: (at: number) => boolean) => Array.from({ length: units }, (_, i) => i * 4).every(test);
  if (all((at) => valid(sample.readUInt32LE(at)))) return 'utf-32le';
  return all((at) => valid(sample.readUInt32BE(at))) ? 'utf-32be' : undefined;
}

/** The byte order in which almost all characters are ones that tables have. */
function utf16(sample: Buffer): string | undefined {
  const strange = (name: string) => {
    const characters = iconv.decode(sample, name, { stripBOM: false }).slice(0, SAMPLE_CHARACTERS);
    if (!/[\t\n\r,;|]/.test(characters)) return 1;
    return (characters.match(/[\p{Cn}\p{Co}\p{Cs}]|(?![\t\r\n])\p{Cc}/gu) ?? []).length / characters.length;
  };
  const rated = ['utf-16le', 'utf-16be'].map((name) => ({ name, strange: strange(name) }));
  const best = rated.toSorted((a, b) => a.strange - b.strange)[0]!;
  return best.strange < 0.02 ? best.name : undefined;
}

function utf8Score(sample: Buffer): 'certain' | 'possible' | 'no' {
  const others = beyondAscii(sample, 'utf-8');
  const written = sample.toString('latin1').match(/\xef\xbf\xbd/g)?.length ?? 0;
  const invalid = others.filter((character) => character === '\ufffd').length - written;
  if (invalid * 20 > others.length) return 'no';
  return others.some((character) => character > '\u07ff' && character !== '\ufffd') ? 'certain' : 'possible';
}

/** The characters that are not ASCII. The sample may end within one. */
function beyondAscii(sample: Buffer, encoding: string): string[] {
  const text = iconv.decode(sample, encoding).replace(/\ufffd$/, '');
  return text.match(/[^\0-\x7f]/gu) ?? [];
}

/** The mean plausibility of what is not ASCII: 1 for the commonest characters, 0.5 for the level of common ones. */
function hanScore(sample: Buffer, encoding: 'gb18030' | 'big5'): number {
  const others = beyondAscii(sample, encoding).slice(0, SAMPLE_CHARACTERS);
  if (others.length === 0) return 0;
  const scores = others.map((character): number => {
    if (COMMON_HAN.has(character)) return 1;
    if (/[\ufffd\p{Co}\p{Cn}\p{Cc}]/u.test(character)) return -1;
    if (/[\u3000-\u3017\uff01-\uff5e]/.test(character)) return 0.6;
    return firstLevel(iconv.encode(character, encoding), encoding) ? 0.5 : 0;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** GB 2312 and Big5 both put their common characters first. */
function firstLevel(bytes: Buffer, encoding: 'gb18030' | 'big5'): boolean {
  const [lead = 0, trail = 0] = bytes;
  if (bytes.length !== 2) return false;
  return encoding === 'big5' ? lead >= 0xa4 && lead <= 0xc6 : lead >= 0xb0 && lead <= 0xd7 && trail >= 0xa1;
}

/** In Latin script letters with marks stand alone or in pairs, and no byte is undefined. */
function looksLatin(sample: Buffer): boolean {
  const text = iconv.decode(sample, 'windows-1252');
  if (/\ufffd|(?![\t\r\n])\p{Cc}/u.test(text)) return false;
  const runs = text.match(/[^\0-\x7f]+/g) ?? [];
  const inLongRuns = runs.filter(({ length }) => length > 2).reduce((sum, { length }) => sum + length, 0);
  return inLongRuns * 2 <= runs.reduce((sum, { length }) => sum + length, 0);
}
