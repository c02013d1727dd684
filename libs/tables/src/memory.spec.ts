import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytesInMemory, type ByteSource } from './byte-source.ts';
import { openTable } from './table.ts';
import { collect, rowsOf } from './tables.fixtures.ts';
import { writeXlsx } from './xlsx-writer.ts';

const MB = 1024 * 1024;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Megabytes in use. */
const held = () => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MB;
};

/** A CSV file that is nowhere: lines of the same length, made when they are read. */
function generated(size: number): ByteSource {
  const header = 'id,name,company,phone,note\n';
  const lineOf = (i: number) =>
    `${String(i).padStart(10, '0')},张三,Acme Ltd,+8613800138000,"a, b and c ${String(i % 1000).padStart(3, '0')}"\n`;
  const length = Buffer.byteLength(lineOf(0));
  return {
    size,
    read(offset, wanted) {
      const first = Math.max(0, Math.floor((offset - header.length) / length));
      const start = first === 0 ? 0 : header.length + first * length;
      let text = first === 0 ? header : '';
      const count = Math.ceil((offset + wanted - start) / length) + 1;
      for (let i = first; i < first + count; i++) text += lineOf(i);
      return Promise.resolve(Buffer.from(text).subarray(offset - start, offset - start + wanted));
    },
  };
}

/** How many megabytes more are in use at most while something is iterated, and how many items there were. */
async function peak(items: AsyncIterable<unknown>, every: number): Promise<{ count: number; growth: number }> {
  const before = held();
  let most = before;
  let count = 0;
  for await (const _ of items) if (++count % every === 0) most = Math.max(most, held());
  return { count, growth: most - before };
}

describe('memory', () => {
  it('does not grow with a CSV file', async () => {
    const size = 40 * MB;
    const { rows } = await openTable(generated(size));
    const { count, growth } = await peak(rows, 50_000);
    expect(count).toBeGreaterThan(size / 80);
    expect(growth).toBeLessThan(30);
  }, 300_000);

  it('grows with rows that are kept, so the bound is one', async () => {
    const before = held();
    const rows = await rowsOf(await openTable(generated(10 * MB)));
    expect(held() - before).toBeGreaterThan(30);
    expect(rows.length).toBeGreaterThan(0);
  }, 300_000);

  it('does not grow with an XLSX file that is written, nor with its sheet when it is read', async () => {
    const rows = function* () {
      for (let i = 0; i < 100_000; i++) yield [`name ${i}`, `+86138${i}`, i, { date: '2024-01-05' }];
    };
    const write = () => writeXlsx(['a', 'b', 'c', 'd'], rows());
    expect((await peak(write(), 100)).growth).toBeLessThan(30);
    const bytes = await collect(write());
    const { count, growth } = await peak((await openTable(bytesInMemory(bytes))).rows, 20_000);
    expect(count).toBe(100_000);
    expect(growth).toBeLessThan(30);
  }, 300_000);
});
