import { Readable } from 'node:stream';
import yauzl, { RandomAccessReader, type Entry, type ZipFile } from 'yauzl';
import { piecesOf, type ByteSource } from './byte-source.ts';
import { TableError } from './table-error.ts';
import type { Limits } from './table-types.ts';

/** The files of a zip archive, by name; Excel does not tell case apart. */
export interface Archive {
  has(name: string): boolean;
  /** Unpacks a file; nothing if there is none of that name. */
  read(name: string): AsyncIterable<Buffer>;
}

// A small file may be packed as tightly as it likes.
const RATIO_FROM_BYTES = 1024 * 1024;

/** What the source throws is no fault of the archive: kept, to be told apart from what yauzl makes of it. */
class SourceReader extends RandomAccessReader {
  failure: unknown;

  constructor(private readonly source: ByteSource) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.pieces(start, end), { objectMode: false });
  }

  private async *pieces(start: number, end: number) {
    try {
      yield* piecesOf(this.source, start, end);
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

/**
 * Opens a zip archive. Sizes are checked as declared before anything is unpacked, and yauzl unpacks no byte more than declared.
 * @throws TableError `unreadable-archive`, `archive-too-large`; reading an entry under a password `encrypted-file`
 */
export async function openArchive(source: ByteSource, limits: Limits): Promise<Archive> {
  const reader = new SourceReader(source);
  const orRefuse = (error: unknown) => {
    if (reader.failure !== undefined) return reader.failure;
    return error instanceof TableError ? error : new TableError('unreadable-archive', {}, { cause: error });
  };
  let zip: ZipFile;
  let entries: Map<string, Entry>;
  try {
    zip = await yauzl.fromRandomAccessReaderPromise(reader, source.size, { autoClose: false, lazyEntries: true });
    entries = await entriesOf(zip, limits);
  } catch (error) {
    throw orRefuse(error);
  }

  return {
    has: (name) => entries.has(name.toLowerCase()),
    async *read(name) {
      const entry = entries.get(name.toLowerCase());
      if (!entry) return;
      if (entry.isEncrypted()) throw new TableError('encrypted-file');
      const { compressedSize, uncompressedSize } = entry;
      if (uncompressedSize > RATIO_FROM_BYTES && uncompressedSize > compressedSize * limits.packingRatio) {
        throw new TableError('archive-too-large', { what: 'packing-ratio', limit: limits.packingRatio });
      }
      try {
        yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
      } catch (error) {
        throw orRefuse(error);
      }
    },
  };
}

async function entriesOf(zip: ZipFile, { entries: limit, unpackedBytes }: Limits): Promise<Map<string, Entry>> {
  if (zip.entryCount > limit) throw new TableError('archive-too-large', { what: 'entries', limit });
  const entries = new Map<string, Entry>();
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    total += entry.uncompressedSize;
    if (total > unpackedBytes)
      throw new TableError('archive-too-large', { what: 'unpacked-bytes', limit: unpackedBytes });
    entries.set(entry.fileName.toLowerCase(), entry);
  }
  return entries;
}
