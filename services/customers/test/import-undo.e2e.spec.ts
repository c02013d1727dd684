import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { customerImportFields } from '../src/import/import-fields.ts';
import { ImportFiles } from '../src/import/import-files.store.ts';
import { suggestedMapping } from '../src/import/import-mapping.ts';
import { openImportTable, readingOf } from '../src/import/import-table.ts';
import { importing } from '../src/import/import.ts';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const finished = (id: string) =>
  eventually(
    () => get(`batches/${id}`),
    ({ status }) => status === 'done',
  );

/** A file as if it had been uploaded and mapped. */
async function imported(csv: string): Promise<string> {
  const id = newId();
  const files = service.app.get(ImportFiles);
  const written = await files.write(
    (async function* () {
      yield Buffer.from(csv);
    })(),
  );
  const table = await openImportTable(files.source(written.id, written.bytes), {});
  const { reading } = await readingOf(table, {}, () => 'fingerprint');
  const mapping = { ...suggestedMapping(reading.header, customerImportFields), mode: 'both' as const };
  await runInContext(systemContext('test'), async () => {
    const { commands } = service.kernel;
    const file = { object: 'customers' as const, fileId: written.id, fileName: 'a.csv', bytes: written.bytes };
    await commands.execute(importing, id, { type: 'UploadImport', file, reading });
    await commands.execute(importing, id, { type: 'MapImport', mapping, isDateOrderChosen: false });
    await commands.execute(importing, id, { type: 'StartImport', restorePoint: 0 });
  });
  await finished(id);
  return id;
}

const value = fc.constantFrom('', 'A', 'B');
const row = fc.record({
  number: fc.integer({ min: 0, max: 7 }),
  name: value,
  title: value,
  tags: value,
  phone: fc.constantFrom('', '13800138000', '13800138001'),
});
type Row = { number: number; name: string; title: string; tags: string; phone: string };

describe('an import that is undone', () => {
  it('leaves every record as it was, and those that it made in the archive', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 4 }),
        fc.array(row, { minLength: 1, maxLength: 12 }),
        async (before, file) => {
          run += 1;
          const numberOf = ({ number }: Row) => `R${run}-${number}`;
          const state = async () =>
            Promise.all(
              Array.from({ length: 8 }, async (_, number) => {
                const { status, body } = await service.call('GET', `/api/customers/by/number/R${run}-${number}`);
                const { version: _version, ...fields } = body;
                return status === 200 && !fields.archived ? fields : undefined;
              }),
            );
          for (const one of before) {
            const { name, title, tags, phone } = one;
            await service.call('POST', '/api/customers', {
              number: numberOf(one),
              name: name || 'X',
              ...(title && { title }),
              ...(tags && { tags: [tags] }),
              ...(phone && { phones: [{ value: phone }] }),
            });
          }
          const was = await state();
          const lines = file.map((one) => [numberOf(one), one.name, one.title, one.tags, one.phone].join(','));
          const id = await imported(`number,name,title,tags,phone\n${lines.join('\n')}\n`);
          const { counts } = await get(`batches/${id}`);
          expect(counts.created + counts.updated + counts.unchanged + counts.skipped + counts.failed).toBe(file.length);
          const undo = await service.call('POST', `/api/imports/${id}/undo`);
          await finished(undo.body.id);
          expect(await state()).toEqual(was);
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);
});
