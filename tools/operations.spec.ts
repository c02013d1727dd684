import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CustomerEvent, Recorded } from '@throughline/contracts';
import { conflict, fold, newId, secretsFrom } from '@throughline/event-sourcing';
import { startGateway, type RunningGateway } from '@throughline/gateway-service';
import { EmbeddedBus, Service, Tokens } from '@throughline/service';
import {
  caller,
  dropDatabases,
  eventually,
  startTestService,
  testConfig,
  testMasterKey,
  type TestService,
} from '@throughline/service/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
class Leaving {
  @PrimaryColumn('uuid') customerId!: string;
  @Column('int') times!: number;
}
const spoilt = new Set<string>();
const leavings = fold<Leaving, CustomerEvent>(Leaving, {
  name: 'leavings',
  version: 1,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    CustomerArchived: ([row], _, { stream }) => {
      if (spoilt.has(stream.id)) throw new TypeError('a bug');
      return [{ customerId: stream.id, times: (row?.times ?? 0) + 1 }];
    },
  },
});

const refused = new Set<string>();

@Controller()
class Waves {
  @EventPattern({ policy: 'waves', event: 'CustomerArchived', from: 'beginning' })
  archived(@Payload() { stream }: Recorded) {
    if (refused.has(stream.id)) throw conflict('no-wave');
  }
}

@Service({ name: 'interactions', folds: [leavings], policies: [Waves] })
class Leavings {}

const config = testConfig({ adminApiKey: 'admin-key' });
let gateway: RunningGateway;
let service: TestService;
beforeAll(async () => {
  service = await startTestService(Leavings, { listensTo: ['customers'] });
  const urls: Record<string, () => string> = { gateway: () => gateway.url, interactions: () => service.url };
  const baseUrl = (name: string) => urls[name]?.() ?? 'http://127.0.0.1:9';
  gateway = await startGateway({ config, bus: new EmbeddedBus(), baseUrl });
});
afterAll(async () => {
  await gateway?.stop();
  await service?.end();
  await dropDatabases(config);
});

const root = join(import.meta.dirname, '..');
type Outcome = { code: number; out: string; err: string };

/** Runs a command as npm's script does. */
function run(tool: 'operations' | 'views', args: string, environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const env = {
    PATH: process.env['PATH'],
    THROUGHLINE_URL: gateway.url,
    THROUGHLINE_API_KEY: 'admin-key',
    ...environment,
  };
  const parts = args.split(' ').filter(Boolean);
  const file = join(root, 'tools', `${tool}.ts`);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', join(root, 'tools/typescript.mjs'), file, ...parts],
      { cwd: root, env },
      (error, out, err) => resolve({ code: Number(error?.code ?? 0), out: out.trim(), err: err.trim() }),
    );
  });
}
const archive = (id: string) => service.log('customers').append({ type: 'customer', id }, { type: 'CustomerArchived' });

describe('npm run operations', () => {
  it('lists what waits, and settles it', async () => {
    const id = newId();
    refused.add(id);
    await archive(id);
    await archive(id);
    const list = async (state = '') =>
      JSON.parse((await run('operations', `dead-letters list --json ${state}`)).out) as {
        items: { id: string; state: string }[];
        unreachable: string[];
      };
    const { items, unreachable } = await eventually(list, (page) => page.items.length === 2);
    expect(unreachable).toEqual(['customers', 'sales', 'analytics']);
    const [first, second] = items.map((letter) => letter.id) as [string, string];

    const shown = await run('operations', 'dead-letters list');
    expect(shown.out).toMatch(/^id +policy +event +key +error/);
    expect(shown.out).toContain(`customer:${id}`);
    expect(shown.err).toContain('customers, sales, analytics');

    const early = await run('operations', `dead-letters retry ${second}`);
    expect([early.code, early.err]).toEqual([
      1,
      expect.stringMatching(/^Earlier dead letters of the same key come first/),
    ]);
    refused.delete(id);
    expect((await run('operations', `dead-letters discard ${first} --reason 误`)).code).toBe(0);
    const settled = await eventually(
      () => list('--state handled'),
      (page) => page.items.length === 1,
    );
    expect(settled.items[0]?.id).toBe(second);
    expect((await list('--state discarded')).items[0]).toMatchObject({ id: first, reason: '误' });
  });

  it('shows subscriptions, and resumes one', async () => {
    const id = 'interactions.policy:waves@customers';
    expect((await run('operations', 'subscriptions list')).out).toContain(id);
    expect((await run('operations', `subscriptions resume ${id} --from beginning`)).out).toContain('position 0');
    expect((await run('operations', 'broken-keys list')).out).toBe('none');
    expect((await run('operations', 'timers list')).out).toBe('none');
  });

  it('is let in by the master key, by that of this installation alone, and by nothing like it', async () => {
    const by = (key: string) =>
      run('operations', 'broken-keys list', { THROUGHLINE_API_KEY: '', THROUGHLINE_MASTER_KEY: key });
    expect(await by(testMasterKey)).toMatchObject({ code: 0, out: 'none' });
    const foreign = await by('22'.repeat(32));
    expect([foreign.code, foreign.err]).toEqual([1, expect.stringContaining('does not take')]);
    const tokens = new Tokens(secretsFrom(testMasterKey));
    const status = async (...token: Parameters<Tokens['issue']>) => {
      const { token: bearer } = await tokens.issue(...token);
      return (await caller(gateway.url, () => bearer)('GET', '/api/operations/views')).status;
    };
    const operator = { id: 'operations', type: 'system', roles: ['administrator'] } as const;
    expect(await status(operator, 'public', 60)).toBe(200);
    expect(await status(operator, 'internal', 60)).toBe(401);
    expect(await status(operator, 'public', -60)).toBe(401);
    expect(await status({ ...operator, roles: [] }, 'public', 60)).toBe(403);
  });

  it.each([
    ['', 'usage: npm run operations --'],
    ['letters list', 'usage: npm run operations --'],
    ['dead-letters', 'nothing is asked for; usage:'],
    ['dead-letters burn', '"burn" is not known; usage:'],
    ['dead-letters retry', 'retry of what?; usage:'],
    ['dead-letters retry interactions.1 2', '"2" is too much; usage:'],
    ['dead-letters retry interactions.1 --reason x', 'retry takes no --reason; usage:'],
    ['dead-letters list --colour red', "Unknown option '--colour'; usage:"],
    ['dead-letters list --state lost', 'state:'],
    ['dead-letters discard interactions.1', 'reason: is required'],
    ['dead-letters discard interactions.1 --reason=', 'reason: is required'],
    ['dead-letters discard interactions.1 --reason \u3000', 'reason: is required'],
    ['dead-letters retry interactions.999', 'There is no such dead letter.'],
    ['timers retry interactions.follow-up.1', 'There is no such timer'],
    ['timers discard interactions.follow-up.1', 'reason:'],
    ['subscriptions resume interactions.policy:waves@customers', 'resume needs --from'],
    ['broken-keys list --url ftp://x', 'not an http address: ftp://x'],
    ['broken-keys list --url http://127.0.0.1:9', 'nothing answers at http://127.0.0.1:9'],
  ])('says of "%s" what is wrong, in a line', async (args, word) => {
    const { code, out, err } = await run('operations', args);
    expect([code, out, err.split('\n').length]).toEqual([1, '', 1]);
    expect(err).toContain(word);
  });
});

describe('npm run views', () => {
  it('lists the views of all services', async () => {
    const { code, out } = await run('views', 'list');
    expect(code).toBe(0);
    expect(out).toMatch(/^id +version +kind/);
    expect(out).toContain('interactions.leavings_v1');
    expect(out).toContain('gateway.connection_list_v1');
  });

  it('says by its exit code whether a view is what its events say, and rebuilds it', async () => {
    await archive(newId());
    await eventually(
      async () => (await service.kernel.pool.query('select 1 from leavings_v1')).rowCount,
      (count) => count !== 0,
    );
    const good = await run('views', 'verify leavings');
    expect([good.code, /was +(\S+)\nanew +\1$/.test(good.out)]).toEqual([0, true]);

    await service.kernel.pool.query('update leavings_v1 set times = times + 1');
    const spoilt = await run('views', 'verify interactions.leavings');
    expect([spoilt.code, /was +(\S+)\nanew +\1$/.test(spoilt.out)]).toEqual([1, false]);
    expect(spoilt.out).toMatch(/[1-9]\d* differ/);
    expect((await run('views', 'rebuild leavings_v1')).code).toBe(0);
    const job = JSON.parse((await run('views', 'verify leavings --json')).out) as { result: { different: number } };
    expect(job.result.different).toBe(0);
    expect((await run('views', 'mend leavings')).code).toBe(0);
  });

  it.each(['verify', 'rebuild', 'mend'])(
    'says by its exit code that keys are still broken after a %s',
    async (verb) => {
      const id = newId();
      spoilt.add(id);
      await archive(id);
      await eventually(
        () => run('operations', 'broken-keys list'),
        ({ out }) => out.includes(id),
      );
      const broken = await run('views', `${verb} leavings`);
      expect([broken.code, broken.out]).toEqual([1, expect.stringContaining('broken: 1')]);
      expect((await run('views', `${verb} leavings --json`)).code).toBe(1);
      spoilt.clear();
      expect((await run('views', 'mend leavings')).code).toBe(0);
      expect((await run('operations', 'broken-keys list')).out).toBe('none');
    },
  );

  it('says of a view that is not there whom it could not ask', async () => {
    const { code, err } = await run('views', 'verify pipeline_board');
    expect([code, err]).toEqual([
      1,
      'there is no view pipeline_board; not asked, because they do not answer: customers, sales, analytics',
    ]);
  });
});
