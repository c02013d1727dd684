import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';

jest.setTimeout(120_000);

const root = join(import.meta.dirname, '..', '..', '..');
const run = promisify(execFile);

/** A line of a source, and what stands there instead. */
type Change = { file: string; text: string; instead: string };
type Found = Record<string, number>;

/** What the run's checks find after a scenario, in a process that has the changes. */
async function found<T = Found>(scenario: string, changes: readonly Change[] = [], harms: readonly string[] = []) {
  const imports = ['--import', './tools/typescript.mjs', '--import', './apps/chaos/test/without.mjs'];
  const args = [...imports, 'apps/chaos/test/scenario.process.ts', scenario, ...harms];
  const { stdout } = await run(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', CHAOS_WITHOUT: JSON.stringify(changes) },
  });
  return JSON.parse(stdout) as T;
}

const kernel = (file: string, text: string, instead: string) => ({
  file: `libs/event-sourcing/src/${file}`,
  text,
  instead,
});
const swaps = kernel('subscription.ts', 'where c.position = w.position and c.epoch = w.epoch', 'where true');
const repeats = kernel('subscription.ts', 'batch.events.filter((event) => event.position > position)', 'batch.events');
const ofMessages = (text: string, instead: string) => ({ file: 'libs/messaging/src/kafka-feed.ts', text, instead });

type Guard = { scenario: string; guard: string; without: readonly Change[]; finds: keyof Damage };
type Damage = { lost: number; doubled: number; reordered: number; deadlocks: number };

const guards: readonly Guard[] = [
  {
    scenario: 'a slow commit',
    guard: 'the wait for positions that may still come',
    without: [kernel('feed.ts', 'const writers = await this.store.writers();', 'const writers = new Set<string>();')],
    finds: 'lost',
  },
  {
    scenario: 'two recorders at once',
    guard: 'the compare-and-swap of checkpoints',
    without: [swaps],
    finds: 'doubled',
  },
  {
    scenario: 'a store restored while a recorder stood still',
    guard: 'the epoch of checkpoints',
    without: [kernel('subscription.ts', ' and c.epoch = w.epoch', '')],
    finds: 'doubled',
  },
  {
    scenario: 'two keepers of one view',
    guard: 'the compare-and-swap of checkpoints',
    without: [swaps],
    finds: 'doubled',
  },
  {
    scenario: 'a feed that repeats itself',
    guard: 'the look at positions',
    without: [repeats],
    finds: 'doubled',
  },
  {
    scenario: 'a command that comes twice',
    guard: 'the memory of commands within the append',
    without: [
      kernel(
        'append-statements.ts',
        "guard((select count(*) from remembered) = (select count(*) from settled), 'command') as ok",
        'true as ok',
      ),
    ],
    finds: 'doubled',
  },
  {
    scenario: 'appends that cross',
    guard: 'the order in which an append takes its locks',
    without: [
      kernel('append-statements.ts', '  order by type, id\n  on conflict (type, id)', '  on conflict (type, id)'),
    ],
    finds: 'deadlocks',
  },
  {
    scenario: 'a policy that is given its events again',
    guard: 'the derivation of command ids',
    without: [
      kernel(
        'policy-runner.ts',
        'derivedId(event.id, policy.name, target, index)',
        'derivedId(event.id, policy.name, target, index, Math.random())',
      ),
    ],
    finds: 'doubled',
  },
  {
    scenario: 'a topic with holes and repeats',
    guard: 'the place of the event before, in every message',
    without: [ofMessages('if (previous > position) {', 'if (false) {')],
    finds: 'lost',
  },
  {
    scenario: 'a topic with holes and repeats',
    guard: 'the look at positions',
    without: [ofMessages('if (event.position <= position) continue;', ''), repeats],
    finds: 'doubled',
  },
];

/** What finds it, and what was done. */
const harms: readonly [string, string][] = [
  [
    'views',
    `update dim_deal_v1 set title = 'another' where deal_id = (select min(deal_id::text)::uuid from dim_deal_v1)`,
  ],
  ['views', 'update chaos_deal_tally_v1 set last = 9 where id = (select min(id) from chaos_deal_tally_v1)'],
  ['lost', 'delete from chaos_deal_tally_v1 where id = (select max(id) from chaos_deal_tally_v1)'],
  ['documents', `update deal_document_v1 set doc = '{}' where id = (select max(id) from deal_document_v1)`],
  ['documents', 'delete from deal_document_v1 where id in (select id from deal_document_v1 order by id limit 2)'],
  ['lost', 'delete from chaos_given where position = 3'],
  ['doubled', `insert into chaos_given (feed, position) values ('sales', 4)`],
  ['reordered', `insert into chaos_given (feed, position) values ('sales', 3)`],
  [
    'chains',
    'alter table events disable trigger append_only; update events set occurred_at = now() where position = 3',
  ],
  ['erased', `create table left_over as select '{"to": "c0-7.2@example.com"}'::jsonb as message`],
];

describe('what the chaos run checks', () => {
  it.each([...new Set(guards.map(({ scenario }) => scenario))])('is whole after %s', async (scenario) => {
    expect(Object.values(await found(scenario)).filter((count) => count > 0)).toEqual([]);
  });

  it.each(guards)('is not, after $scenario, without $guard: $finds', async ({ scenario, without, finds }) => {
    expect((await found(scenario, without))[finds]).toBeGreaterThan(0);
  });

  it('is whole after a quiet day, and less so after each harm to what is stored', async () => {
    const before = await found<Found[]>(
      'a quiet day',
      [],
      harms.map(([, harm]) => harm),
    );
    expect(before[0]).toEqual({ lost: 0, doubled: 0, reordered: 0, views: 0, documents: 0, chains: 0, erased: 0 });
    for (const [index, [finds, harm]] of harms.entries()) {
      const [was = 0, is = 0] = [before[index]?.[finds], before[index + 1]?.[finds]];
      expect({ harm, finds, more: is > was }).toEqual({ harm, finds, more: true });
    }
  });

  it('is not asked at all where a guard is no longer where it was', async () => {
    const gone = kernel('feed.ts', 'a line that nobody wrote', '');
    await expect(found('a slow commit', [gone])).rejects.toMatchObject({ code: 3 });
  });
});
