import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { Jobs, Log, Service, definitionOf } from '@throughline/service';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { OrganisationTime } from '../src/care/organisation.view.ts';
import { CustomersModule } from '../src/customers.module.ts';
import { NightlyScans, scanOf } from '../src/duplicates/nightly-scans.worker.ts';

/** Records that nothing looked at as they came in, and no worker that keeps to the time of the day. */
@Service({ ...definitionOf(CustomersModule), policies: [], workers: [] })
class WithoutRounds {}

const databasePrefix = `t${randomBytes(5).toString('hex')}_`;
const start = () => startTestService(WithoutRounds, { listensTo: ['gateway'], config: { databasePrefix } });
let service: TestService;
beforeAll(async () => {
  service = await start();
  await setRules({ rules: [] });
  for (const name of ['长孙无忌', '长孙无忌', '魏徵']) {
    const phones = name === '魏徵' ? [] : [{ value: '138 1234 5678' }];
    await service.call('POST', '/api/customers', { name, phones });
  }
}, 60_000);
afterAll(() => service.end());

const setRules = (rules: object) => service.call('PUT', '/api/duplicate-rules', rules);
/** A round of a process of its own, at a moment. */
const round = (moment: string) => {
  const log = new Log('customers', 'error', () => undefined);
  const { kernel } = service;
  const time = new OrganisationTime(kernel);
  return new NightlyScans(kernel.commands, new Jobs(kernel, log), time, log).round(new Date(moment));
};
const scans = async () =>
  (
    await service.kernel.pool.query<{ id: string }>(`select id from jobs where kind = 'scan-duplicates' order by id`)
  ).rows
    .map(({ id }) => id)
    .toSorted();
const scanned = (night: string) =>
  eventually(
    async () => (await service.call('GET', `/api/duplicates/scans/${scanOf(night)}`)).body,
    ({ state }) => state === 'done',
  );

describe('a scan every night', () => {
  it('begins only where it is switched on, and at night', async () => {
    await round('2026-03-02T03:30:00Z');
    expect(await scans()).toEqual([]);
    expect(await setRules({ rules: [], scanNightly: true })).toMatchObject({
      status: 200,
      body: { scanNightly: true, autoMerge: { enabled: false } },
    });
    await round('2026-03-02T12:00:00Z');
    expect(await scans()).toEqual([]);
    expect((await setRules({ rules: [] })).body.scanNightly).toBe(true);
  });

  it('is one, however many processes begin it, and goes on after a kill', async () => {
    await Promise.all([round('2026-03-02T03:30:00Z'), round('2026-03-02T03:31:00Z'), round('2026-03-02T05:59:00Z')]);
    expect(await scans()).toEqual([scanOf('2026-03-02')]);
    await service.stop();
    service = await start();
    expect(await scanned('2026-03-02')).toMatchObject({ counts: { found: 1 }, requestedBy: { type: 'system' } });
    await round('2026-03-02T05:59:59Z');
    expect(await scans()).toEqual([scanOf('2026-03-02')]);
    await round('2026-03-03T03:30:00Z');
    expect(await scans()).toEqual([scanOf('2026-03-02'), scanOf('2026-03-03')].toSorted());
    await scanned('2026-03-03');
  });

  it('keeps to the clock of the organisation', async () => {
    const before = (await scans()).length;
    await service.log('gateway').append({ type: 'organisation', id: newId() }, {
      type: 'OrganisationConfigured',
      timeZone: 'America/New_York',
    } as {
      type: string;
    });
    const begun = async () => {
      await round('2026-03-04T08:30:00Z');
      return scans();
    };
    await eventually(begun, (ids) => ids.length > before);
    expect(await scans()).toContain(scanOf('2026-03-04'));
    await round('2026-03-05T03:30:00Z');
    expect(await scans()).not.toContain(scanOf('2026-03-05'));
    await scanned('2026-03-04');
  });
});
