import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Secrets } from '@throughline/event-sourcing';

/** What is known of a file that was sealed. */
export type SealedFile = {
  /** Of what is in it. */
  content: { bytes: number; sha256: string };
  /** Of the file itself. */
  file: { bytes: number; sha256: string };
};

const chunkBytes = 64 * 1024;
const saltBytes = 32;
const tagBytes = 16;

/** A key of its own for every file, so that chunks may be numbered from 0; bound to the file's name. */
const keyOf = (secrets: Secrets, salt: Buffer, name: string) =>
  Buffer.from(hkdfSync('sha256', secrets.key('backup').export(), salt, name, 32));

/** Number of the chunk and whether it is the last: none can be left out, swapped or cut off. */
function nonceOf(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** Cuts a stream into chunks of the same size; the last one, which may be empty, is marked. */
async function* chunksOf(
  source: AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<{ chunk: Buffer; last: boolean }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of source) {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    let from = 0;
    for (; rest.length - from > size; from += size) yield { chunk: rest.subarray(from, from + size), last: false };
    rest = rest.subarray(from);
  }
  yield { chunk: rest, last: true };
}

function counted() {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    add: (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    },
    result: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}

/** Writes a file, AES-256-GCM in chunks of 64 KiB: 32 bytes of salt, then each chunk with its tag. On the disk when it ends. */
export async function writeSealed(
  path: string,
  name: string,
  source: AsyncIterable<Buffer>,
  secrets: Secrets,
): Promise<SealedFile> {
  const salt = randomBytes(saltBytes);
  const key = keyOf(secrets, salt, name);
  const [content, file] = [counted(), counted()];
  async function* sealed() {
    file.add(salt);
    yield salt;
    let index = 0;
    for await (const { chunk, last } of chunksOf(source, chunkBytes)) {
      content.add(chunk);
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index++, last));
      const out = Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
      file.add(out);
      yield out;
    }
  }
  await pipeline(sealed, createWriteStream(path, { mode: 0o600, flags: 'wx', flush: true }));
  return { content: content.result(), file: file.result() };
}

/** @throws Error where a byte of it is not what was written */
export async function* readSealed(path: string, name: string, secrets: Secrets): AsyncGenerator<Buffer, void> {
  const source = createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
  let key: Buffer | undefined;
  let index = 0;
  async function* body() {
    let head: Buffer = Buffer.alloc(0);
    for await (const part of source) {
      if (key) yield part;
      else {
        head = Buffer.concat([head, part]);
        if (head.length < saltBytes) continue;
        key = keyOf(secrets, head.subarray(0, saltBytes), name);
        yield head.subarray(saltBytes);
      }
    }
  }
  for await (const { chunk, last } of chunksOf(body(), chunkBytes + tagBytes)) {
    if (!key || chunk.length < tagBytes) throw new Error(`${name} is damaged`);
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index++, last));
    decipher.setAuthTag(chunk.subarray(chunk.length - tagBytes));
    try {
      yield Buffer.concat([decipher.update(chunk.subarray(0, chunk.length - tagBytes)), decipher.final()]);
    } catch {
      throw new Error(`${name} is damaged, or was written with another master key`);
    }
  }
}

/** Bytes and SHA-256 of a file as it lies there. */
export const checksumOf = (path: string): Promise<SealedFile['file']> => checksumOfStream(createReadStream(path));

/** Bytes and SHA-256 of all that comes. */
export async function checksumOfStream(source: AsyncIterable<Buffer>): Promise<SealedFile['content']> {
  const counts = counted();
  for await (const part of source) counts.add(part);
  return counts.result();
}
