import { TableError } from './table-error.ts';

/** Texts by number, in the order that they were added. */
export interface SharedTexts {
  add(text: string): void;
  at(index: number): string | undefined;
}

const BLOCK_BYTES = 1024 * 1024;

/**
 * Millions of strings as UTF-8 outside the heap: as strings they would take several times as much.
 * @throws TableError `archive-too-large`
 */
export function sharedTexts(limit: number): SharedTexts {
  const blocks: Buffer[] = [];
  let ends = new Float64Array(1024); // in bytes over all blocks
  let count = 0;
  let size = 0;

  return {
    add(text) {
      const bytes = Buffer.from(text);
      // A place in `ends` counts too: a bomb may be of empty texts.
      if (size + bytes.length + (count + 1) * 8 > limit) {
        throw new TableError('archive-too-large', { what: 'shared-texts', limit });
      }
      for (let copied = 0; copied < bytes.length;) {
        const used = size % BLOCK_BYTES;
        if (used === 0) blocks.push(Buffer.allocUnsafeSlow(BLOCK_BYTES));
        const taken = bytes.copy(blocks.at(-1)!, used, copied);
        copied += taken;
        size += taken;
      }
      if (count === ends.length) {
        const more = new Float64Array(count * 2);
        more.set(ends);
        ends = more;
      }
      ends[count++] = size;
    },
    at(index) {
      if (!Number.isInteger(index) || index < 0 || index >= count) return undefined;
      let start = index === 0 ? 0 : ends[index - 1]!;
      const end = ends[index]!;
      const parts: Buffer[] = [];
      while (start < end) {
        const from = start % BLOCK_BYTES;
        const to = Math.min(BLOCK_BYTES, from + end - start);
        parts.push(blocks[Math.floor(start / BLOCK_BYTES)]!.subarray(from, to));
        start += to - from;
      }
      return parts.length === 1 ? parts[0]!.toString() : Buffer.concat(parts).toString();
    },
  };
}
