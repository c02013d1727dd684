import { headOf, type ByteSource } from './byte-source.ts';
import { TableError } from './table-error.ts';

const STARTS: [found: string, bytes: Buffer][] = [
  ['pdf', Buffer.from('%PDF')],
  ['png', Buffer.from('\x89PNG', 'latin1')],
  ['jpeg', Buffer.from([0xff, 0xd8, 0xff])],
  ['gif', Buffer.from('GIF8')],
  ['rtf', Buffer.from('{\\rtf')],
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['7z', Buffer.from([0x37, 0x7a, 0xbc, 0xaf])],
  ['rar', Buffer.from('Rar!')],
];
const COMPOUND_FILE = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const ZIP = Buffer.from('PK\x03\x04', 'latin1');
const EMPTY_ZIP = Buffer.from('PK\x05\x06', 'latin1');

/**
 * Text or a zip archive, told by its bytes and never by its name.
 * @throws TableError `empty-file`, `encrypted-file`, or `not-a-table` with what was `found`: `pdf`, `png`, `xls`, `html`, …
 */
export async function kindOf(source: ByteSource): Promise<'text' | 'zip'> {
  if (source.size === 0) throw new TableError('empty-file');
  const head = await headOf(source, 4096);
  const startsWith = (bytes: Buffer) => head.subarray(0, bytes.length).equals(bytes);
  if (startsWith(ZIP) || startsWith(EMPTY_ZIP)) return 'zip';
  if (startsWith(COMPOUND_FILE)) throw await compoundFile(source, head);

  const found = STARTS.find(([, bytes]) => startsWith(bytes))?.[0] ?? markup(head);
  if (found) throw new TableError('not-a-table', { found });
  return 'text';
}

function markup(head: Buffer): string | undefined {
  const text = head
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (/^<(!doctype html|html|head|meta|table)\b/i.test(text)) return 'html';
  if (text.startsWith('<?xml')) return /<(?:\w+:)?html/i.test(text) ? 'html' : 'xml';
  return /^(\{\s*"|\[\s*\{)/.test(text) ? 'json' : undefined;
}

/** Old Excel files, and new ones under a password, are compound files: what they hold stands in their directory ([MS-CFB] 2.6). */
async function compoundFile(source: ByteSource, head: Buffer): Promise<TableError> {
  if (head.length < 512) return new TableError('not-a-table', { found: 'compound-file' });
  const sectorBytes = head.readUInt16LE(0x1e) === 12 ? 4096 : 512;
  const start = (head.readUInt32LE(0x30) + 1) * sectorBytes;
  const length = Math.min(4096, source.size - start);
  const directory = length > 0 ? Buffer.from(await source.read(start, length)) : Buffer.alloc(0);
  const has = (name: string) => directory.includes(Buffer.from(`${name}\0`, 'utf16le'));
  if (has('EncryptedPackage')) return new TableError('encrypted-file');
  return new TableError('not-a-table', { found: has('Workbook') || has('Book') ? 'xls' : 'compound-file' });
}
