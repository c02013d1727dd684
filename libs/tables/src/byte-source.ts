import { open } from 'node:fs/promises';

/** The bytes of a file, wherever they lie: a disk, chunks in a database. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset` on; never asked for more than there are. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export const PIECE_BYTES = 256 * 1024;

/** The bytes from `start` up to `end`, in pieces. */
export async function* piecesOf(source: ByteSource, start = 0, end = source.size): AsyncGenerator<Buffer> {
  for (let offset = start; offset < end; offset += PIECE_BYTES) {
    yield asBuffer(await source.read(offset, Math.min(PIECE_BYTES, end - offset)));
  }
}

/** The first bytes, fewer than asked for if the file is shorter. */
export async function headOf(source: ByteSource, length: number): Promise<Buffer> {
  return asBuffer(await source.read(0, Math.min(length, source.size)));
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

/** A file on disk, open until disposed of. */
export async function bytesOnDisk(path: string): Promise<ByteSource & AsyncDisposable> {
  const file = await open(path);
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      for (let filled = 0; filled < length;) {
        const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
        if (bytesRead === 0) throw new Error('the file has become shorter');
        filled += bytesRead;
      }
      return buffer;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
