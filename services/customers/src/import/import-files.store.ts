import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { newId, notFound, open, seal } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { ByteSource, Table } from '@throughline/tables';
import { openImportTable, wishesOf, type FileRow } from './import-table.ts';
import type { Import } from './import.ts';

const chunkBytes = 1024 * 1024;
/** Chunks held while a file is read: a zip archive is read in several places. */
const mostHeld = 4;

/** Uploaded files, encrypted, in the service's database. */
@Injectable()
export class ImportFiles {
  constructor(private readonly kernel: Kernel) {}

  /**
   * Takes a file as it comes. What fails half-way leaves nothing; what is killed half-way is nobody's, and forgotten with
   * the files of its age.
   */
  async write(bytes: AsyncIterable<Buffer>): Promise<{ id: string; bytes: number; sha256: string }> {
    const id = newId();
    const hash = createHash('sha256');
    await this.kernel.pool.query('insert into import_files (id) values ($1)', [id]);
    try {
      let total = 0;
      let number = 0;
      for await (const chunk of inChunks(bytes)) {
        hash.update(chunk);
        total += chunk.length;
        await this.kernel.pool.query('insert into import_chunks (file_id, number, sealed) values ($1, $2, $3)', [
          id,
          number,
          seal(this.#key(), chunk, contextOf(id, number)),
        ]);
        number += 1;
      }
      return { id, bytes: total, sha256: hash.digest('hex') };
    } catch (error) {
      await this.remove(id).catch(() => undefined);
      throw error;
    }
  }

  /** @param size in bytes */
  source(id: string, size: number): ByteSource {
    const held = new Map<number, Promise<Buffer>>();
    const chunk = (number: number): Promise<Buffer> => {
      const found = held.get(number) ?? this.#chunk(id, number);
      held.delete(number);
      held.set(number, found);
      for (const oldest of held.keys()) {
        if (held.size <= mostHeld) break;
        held.delete(oldest);
      }
      return found;
    };
    return {
      size,
      async read(offset, length) {
        const result = Buffer.allocUnsafe(length);
        for (let filled = 0; filled < length;) {
          const at = offset + filled;
          const bytes = await chunk(Math.floor(at / chunkBytes));
          filled += bytes.copy(result, filled, at % chunkBytes);
        }
        return result;
      },
    };
  }

  /** @throws Refusal `import-file-gone`, and as `openImportTable` does */
  async table({ file, reading }: Pick<Import, 'file' | 'reading'>): Promise<Table> {
    if (!file || !reading || !(await this.exists(file.fileId))) throw notFound('import-file-gone');
    return openImportTable(this.source(file.fileId, file.bytes), wishesOf(reading));
  }

  /** The first rows, to be shown. */
  async writeSample(id: string, rows: readonly FileRow[]): Promise<void> {
    const sealed = seal(this.#key(), JSON.stringify(rows), `${id} sample`);
    await this.kernel.pool.query('update import_files set sample = $2 where id = $1', [id, sealed]);
  }

  /** Empty once the file was forgotten. */
  async sample(id: string): Promise<readonly FileRow[]> {
    const { rows } = await this.kernel.pool.query<{ sample: Buffer | null }>(
      'select sample from import_files where id = $1',
      [id],
    );
    const sealed = rows[0]?.sample;
    return sealed ? (JSON.parse(open(this.#key(), sealed, `${id} sample`).toString()) as FileRow[]) : [];
  }

  async exists(id: string): Promise<boolean> {
    return (await this.kernel.pool.query('select from import_files where id = $1', [id])).rowCount === 1;
  }

  async remove(id: string): Promise<void> {
    await this.kernel.pool.query('delete from import_files where id = $1', [id]);
  }

  async #chunk(id: string, number: number): Promise<Buffer> {
    const { rows } = await this.kernel.pool.query<{ sealed: Buffer }>(
      'select sealed from import_chunks where file_id = $1 and number = $2',
      [id, number],
    );
    if (!rows[0]) throw new Error('a chunk of the file is gone');
    return open(this.#key(), rows[0].sealed, contextOf(id, number));
  }

  #key() {
    return this.kernel.secrets.key('imports');
  }
}

const contextOf = (id: string, number: number): string => `${id} ${number}`;

async function* inChunks(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const piece of bytes) {
    parts.push(piece);
    size += piece.length;
    if (size < chunkBytes) continue;
    const whole = Buffer.concat(parts);
    let at = 0;
    for (; at + chunkBytes <= whole.length; at += chunkBytes) yield whole.subarray(at, at + chunkBytes);
    parts = [whole.subarray(at)];
    size = whole.length - at;
  }
  if (size > 0) yield Buffer.concat(parts);
}
