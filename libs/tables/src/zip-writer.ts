import { pipeline, Readable } from 'node:stream';
import { crc32, createDeflateRaw } from 'node:zlib';
import { TableError } from './table-error.ts';

/** A file to pack. */
export interface ZipEntry {
  /** ASCII. */
  name: string;
  content: AsyncIterable<string> | Iterable<string>;
}

const MAX_BYTES = 0xffff_ffff;
// 1 January 1980, the first day of the format: the same content gives the same bytes.
const DOS_DATE = 0x21;
const SIZES_FOLLOW = 0x08;
const DEFLATED = 8;

interface Packed {
  name: Buffer;
  crc: number;
  packed: number;
  unpacked: number;
  offset: number;
}

/**
 * A zip archive as a stream: sizes and checksums follow each file, so nothing is held back. Without ZIP64, which Excel
 * reads badly from streams.
 * @throws TableError `file-too-large` beyond 4 GiB
 */
export async function* writeZip(entries: Iterable<ZipEntry>): AsyncGenerator<Uint8Array> {
  const written: Packed[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const entry: Packed = { name: Buffer.from(name), crc: 0, packed: 0, unpacked: 0, offset };
    yield localHeader(entry);
    for await (const bytes of deflated(content, entry)) yield bytes;
    yield descriptor(entry);
    written.push(entry);
    offset += 30 + entry.name.length + entry.packed + 16;
    if (offset > MAX_BYTES) throw tooLarge();
  }
  const directory = Buffer.concat(written.map(directoryEntry));
  yield directory;
  yield endOfDirectory(written.length, directory.length, offset);
}

const tooLarge = () => new TableError('file-too-large', { limit: MAX_BYTES });

/** Packs the content, and counts in `entry` what went through. */
async function* deflated(content: ZipEntry['content'], entry: Packed): AsyncGenerator<Uint8Array> {
  const bytes = async function* () {
    for await (const text of content) {
      const piece = Buffer.from(text);
      entry.crc = crc32(piece, entry.crc);
      entry.unpacked += piece.length;
      if (entry.unpacked > MAX_BYTES) throw tooLarge();
      yield piece;
    }
  };
  const deflate = createDeflateRaw();
  // What fails upstream comes out of the iteration; whoever leaves the iteration stops what is upstream.
  pipeline(Readable.from(bytes()), deflate, () => undefined);
  for await (const piece of deflate as AsyncIterable<Buffer>) {
    entry.packed += piece.length;
    yield piece;
  }
}

function localHeader({ name }: Packed): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(SIZES_FOLLOW, 6);
  header.writeUInt16LE(DEFLATED, 8);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function descriptor({ crc, packed, unpacked }: Packed): Buffer {
  const bytes = Buffer.alloc(16);
  [0x08074b50, crc, packed, unpacked].forEach((value, i) => bytes.writeUInt32LE(value, i * 4));
  return bytes;
}

function directoryEntry({ name, crc, packed, unpacked, offset }: Packed): Buffer {
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(20, 4);
  entry.writeUInt16LE(20, 6);
  entry.writeUInt16LE(SIZES_FOLLOW, 8);
  entry.writeUInt16LE(DEFLATED, 10);
  entry.writeUInt16LE(DOS_DATE, 14);
  [crc, packed, unpacked].forEach((value, i) => entry.writeUInt32LE(value, 16 + i * 4));
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt32LE(offset, 42);
  return Buffer.concat([entry, name]);
}

function endOfDirectory(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
