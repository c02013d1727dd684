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
import { placeOrder } from './placed-order.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway', 'sales'] });
});
afterAll(() => service.end());

const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const finished = (id: string) =>
  eventually(
    () => get(`batches/${id}`),
    ({ status }) => status === 'done',
  );

/** A file as if it had been uploaded and mapped. */
async function imported(csv: string, employerBy?: object): Promise<string> {
  const id = newId();
  const files = service.app.get(ImportFiles);
  const written = await files.write(
    (async function* () {
      yield Buffer.from(csv);
    })(),
  );
  const table = await openImportTable(files.source(written.id, written.bytes), {});
  const { reading } = await readingOf(table, {}, () => 'fingerprint');
  const suggested = suggestedMapping(reading.header, customerImportFields);
  const columns = suggested.columns.map((one) => (one.field === 'employerId' ? { ...one, ...employerBy } : one));
  const mapping = { ...suggested, columns, mode: 'both' as const };
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

describe('a record that an import made, and that somebody works with without changing it', () => {
  const post = (path: string, body: object) => service.call('POST', `/api/customers${path}`, body);
  const byNumber = (number: string) => get(`customers/by/number/${number}`);

  it('stays when the import is undone, which its preview tells', async () => {
    const names = ['gave', 'forbade', 'confirmed', 'employs', 'owns', 'referred', 'nobody', 'bounced', 'employsKept'];
    const lines = names.map((name) => `W-${name},${name}`);
    const id = await imported(`number,name\n${lines.join('\n')}\n`);
    const ids = new Map<string, string>();
    for (const name of names) ids.set(name, (await byNumber(`W-${name}`)).id);
    const idOf = (name: string) => ids.get(name) as string;
    const consent = { purpose: 'newsletter', channel: 'email', basis: 'contract', proof: { how: 'phone' } };
    await post(`/${idOf('gave')}/consents`, consent);
    await post(`/${idOf('forbade')}/forbid-contact`, { how: 'phone' });
    await post(`/${idOf('confirmed')}/confirm`, { how: 'customer' });
    await post(`/${idOf('bounced')}/emails/bounced`, { address: 'x@ex.cn' });
    await post('', { name: 'Employee', employerId: idOf('employs') });
    await post('', { name: 'Branch', kind: 'company', parentId: idOf('owns') });
    await post('', { name: 'Friend', referredBy: idOf('referred') });
    const gone = (await post('', { name: 'Gone', employerId: idOf('nobody') })).body.id;
    await service.call('DELETE', `/api/customers/${gone}`);
    // Changed by a person, so that it stays, and with it whom it names.
    await service.call('PATCH', `/api/customers/${idOf('gave')}`, { employerId: idOf('employsKept') });

    const stays = names.filter((name) => !['nobody', 'bounced'].includes(name));
    const { items } = await get(`imports/${id}/undo`);
    const kept = items.filter((item: any) => item.kept.includes('record'));
    expect(new Set(kept.map(({ recordId }: any) => recordId))).toEqual(new Set(stays.map(idOf)));
    const undo = await service.call('POST', `/api/imports/${id}/undo`);
    await finished(undo.body.id);
    expect((await get(`batches/${undo.body.id}`)).counts).toMatchObject({ archived: 2, kept: stays.length });
    for (const name of names)
      expect([name, (await byNumber(`W-${name}`)).archived]).toEqual([name, !stays.includes(name)]);
  });

  it('goes with a record of the same import that names it, unless that one stays', async () => {
    const relations = (run: string) =>
      `number,name,kind,employerId\n${run}-2,Employee,person,${run}-1\n${run}-1,Company,company,\n`;
    const gone = await imported(relations('G'));
    const kept = await imported(relations('K'));
    expect((await byNumber('K-2')).employerId).toBe((await byNumber('K-1')).id);
    await post(`/${(await byNumber('K-2')).id}/confirm`, { how: 'customer' });
    for (const id of [gone, kept]) await finished((await service.call('POST', `/api/imports/${id}/undo`)).body.id);
    const archived = await Promise.all(['G-1', 'G-2', 'K-1', 'K-2'].map(async (one) => (await byNumber(one)).archived));
    expect(archived).toEqual([true, true, false, false]);
  });

  it('keeps with it whom it names, and whom those name, and no others', async () => {
    const lines = [
      'L-1,Holding,company,,,',
      'L-2,Company,company,,L-1,',
      'L-3,Branch,company,,L-2,',
      'L-4,Employee,person,L-3,,L-5',
      'L-5,Friend,person,L-6,,',
      'L-6,Other company,company,,,',
      'L-7,Colleague,person,L-3,,L-4',
      'L-8,Company of nobody who stays,company,,L-1,',
      'L-9,Stranger,person,L-8,,L-7',
    ];
    const id = await imported(`number,name,kind,employerId,parentId,referredBy\n${lines.join('\n')}\n`);
    await service.call('PATCH', `/api/customers/${(await byNumber('L-4')).id}`, { title: 'Chief' });
    const { items } = await get(`imports/${id}/undo`);
    const told = items.filter((item: any) => item.kept.includes('record')).map(({ number }: any) => number);
    await finished((await service.call('POST', `/api/imports/${id}/undo`)).body.id);
    const numbers = lines.map((line) => line.split(',')[0] as string);
    const states = await Promise.all(numbers.map(async (number) => [number, (await byNumber(number)).archived]));
    const stays = states.flatMap(([number, isArchived]) => (isArchived ? [] : [number]));
    expect(stays).toEqual(['L-1', 'L-2', 'L-3', 'L-4', 'L-5', 'L-6']);
    expect(told.toSorted()).toEqual(stays);
  });
});

describe('a record that an import brought back from the archive', () => {
  const post = (path: string, body: object) => service.call('POST', `/api/customers${path}`, body);
  const byNumber = (number: string) => get(`customers/by/number/${number}`);
  const consent = { purpose: 'newsletter', channel: 'email', basis: 'contract', proof: { how: 'phone' } };

  it('goes back there, unless somebody worked with it since', async () => {
    const before = ['consentBefore', 'employsBefore', 'orderedBefore', 'nobody'];
    const since = ['changed', 'confirmed', 'gave', 'employs', 'merged', 'ordered'];
    const names = [...before, ...since];
    const ids = new Map<string, string>();
    // In a stage that orders move nobody out of.
    const fields = { title: 'Old', lifecycle: 'loyal' };
    for (const name of names) ids.set(name, (await post('', { number: `B-${name}`, name, ...fields })).body.id);
    const idOf = (name: string) => ids.get(name) as string;
    const other = (await post('', { number: 'B-other', name: 'merged' })).body.id;
    await post(`/${idOf('merged')}/merge`, { absorb: [other] });
    await post(`/${idOf('consentBefore')}/consents`, consent);
    await post('', { name: 'Employee', employerId: idOf('employsBefore') });
    await placeOrder(service, idOf('orderedBefore'), new Date().toISOString());
    for (const name of names) await service.call('DELETE', `/api/customers/${idOf(name)}`);
    const lines = names.map((name) => `B-${name},New`);
    const id = await imported(`number,title\n${lines.join('\n')}\n`);
    const bulk = await post('/bulk', { ids: [idOf('merged')], restore: true });
    await finished(bulk.body.id);

    await service.call('PATCH', `/api/customers/${idOf('changed')}`, { industry: 'Retail' });
    await service.call('PATCH', `/api/customers/${idOf('merged')}`, { industry: 'Retail' });
    await post(`/${idOf('confirmed')}/confirm`, { how: 'customer' });
    await post(`/${idOf('gave')}/consents`, consent);
    await post('', { name: 'Employee', employerId: idOf('employs') });
    await placeOrder(service, idOf('ordered'), new Date().toISOString());

    const { items } = await eventually(
      () => get(`imports/${id}/undo`),
      ({ items: all }) => all.some(({ recordId, kept }: any) => recordId === idOf('ordered') && kept.length > 0),
    );
    const told = new Map(items.map(({ recordId, ...rest }: any) => [recordId, rest]));
    for (const name of before) expect(told.get(idOf(name))).toMatchObject({ record: 'archive', kept: [] });
    for (const name of since) expect(told.get(idOf(name))).toMatchObject({ record: null, kept: ['record'] });
    // The records of one customer stay together.
    expect((await get(`batches/${bulk.body.id}/undo`)).items).toMatchObject([
      { recordId: idOf('merged'), kept: ['record'], records: [{ recordId: other }] },
    ]);
    for (const batch of [id, bulk.body.id])
      await finished((await service.call('POST', `/api/batches/${batch}/undo`)).body.id);
    for (const name of names) {
      const { archived, title } = await byNumber(`B-${name}`);
      expect([name, archived, title]).toEqual([name, before.includes(name), 'Old']);
    }
  });
});

describe('two imports that are both undone', () => {
  const byName = { findBy: 'name', whenMissing: 'create' };
  const byNumber = (number: string) => get(`customers/by/number/${number}`);
  const undo = async (id: string) => {
    const { items } = await get(`imports/${id}/undo`);
    const { body } = await service.call('POST', `/api/imports/${id}/undo`);
    const { counts } = await finished(body.id);
    return {
      id: body.id as string,
      archived: [items.filter(({ record }: any) => record === 'archive').length, counts.archived],
    };
  };

  it('leave no company behind that one of them made, in whichever order', async () => {
    for (const [run, order] of [
      ['O', [0, 1]],
      ['P', [1, 0]],
    ] as const) {
      const rows = (title: string) =>
        `number,name,title,employerId\n${run}-1,One,${title},Company ${run}\n${run}-2,Two,${title},Company ${run}\n`;
      const ids = [await imported(rows('T1'), byName), await imported(rows('T2'), byName)];
      const company = (await byNumber(`${run}-1`)).employerId;
      expect(company).toBeDefined();
      const states = async () =>
        Promise.all(
          [company, (await byNumber(`${run}-1`)).id].map(async (id) => (await get(`customers/${id}`)).archived),
        );
      await undo(ids[order[0]] as string);
      expect(await states()).toEqual([false, false]);
      const last = await undo(ids[order[1]] as string);
      expect(last.archived).toEqual([3, 3]);
      expect(await states()).toEqual([true, true]);
      if (order[0] === 1) continue;
      await finished((await service.call('POST', `/api/batches/${last.id}/undo`)).body.id);
      expect(await states()).toEqual([false, false]);
    }
  });

  it('leave those that somebody still uses, and those that these name', async () => {
    const companies = 'number,name,kind,parentId\nQ-1,Holding,company,\nQ-2,Branch,company,Q-1\nQ-3,Shop,company,Q-1\n';
    const made = await imported(companies);
    const people = await imported('number,name,employerId\nQ-4,One,Q-2\nQ-5,Two,Q-3\n');
    const friend = { name: 'Friend', employerId: (await byNumber('Q-3')).id };
    await service.call('POST', '/api/customers', friend);
    const archived = () => Promise.all(['Q-1', 'Q-2', 'Q-3'].map(async (number) => (await byNumber(number)).archived));
    expect((await undo(made)).archived).toEqual([0, 0]);
    expect((await undo(people)).archived).toEqual([3, 3]);
    expect(await archived()).toEqual([false, true, false]);
  });

  it('bring a company back with the undo of an undo that names it again', async () => {
    const person = (await service.call('POST', '/api/customers', { number: 'S-1', name: 'One' })).body.id;
    const rows = (title: string) =>
      `number,name,title,employerId\nS-1,One,${title},Company S\nS-2,Two,${title},Company S\n`;
    const [first, second] = [await imported(rows('T1'), byName), await imported(rows('T2'), byName)];
    const { employerId } = await get(`customers/${person}`);
    const { id } = await undo(first);
    await undo(second);
    expect(await get(`customers/${employerId}`)).toMatchObject({ archived: true });
    const { body } = await service.call('POST', `/api/batches/${id}/undo`);
    expect((await finished(body.id)).counts).toMatchObject({ changed: 1, restored: 2 });
    expect(await get(`customers/${person}`)).toMatchObject({ employerId });
    expect(await get(`customers/${employerId}`)).toMatchObject({ archived: false });
    expect(await byNumber('S-2')).toMatchObject({ archived: false, title: 'T1' });
  });

  it('leave no chain of companies behind', async () => {
    const made = await imported('number,name,kind,parentId\nR-1,Holding,company,\nR-2,Branch,company,R-1\n');
    const people = await imported('number,name,employerId\nR-3,One,R-2\n');
    expect((await undo(made)).archived).toEqual([0, 0]);
    expect((await undo(people)).archived).toEqual([3, 3]);
  });
});
