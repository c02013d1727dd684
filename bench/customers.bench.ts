import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '@throughline/service/testing';
import { customers } from '../services/customers/src/matching/customers.fixtures.ts';
import { learn } from '../services/customers/src/matching/learning.ts';
import { matchRecord } from '../services/customers/src/matching/match-record.ts';
import { populationsOf } from '../services/customers/src/matching/population.ts';
import { scan } from '../services/customers/src/matching/scan.ts';
import { asAdministrator, startCrm, type Crm } from './crm.ts';
import { Random, customerFields } from './data.ts';
import { byWriters, sized, type Watch } from './harness.ts';
import { masterKey } from './servers.ts';

/** Everything from the customers' fields to the pairs: normalising, learning the weights, comparing. One core. */
const scanning: Watch<{ records: ReturnType<typeof customers> }> = {
  name: 'duplicate scan',
  needs: [],
  prepare: (_, size) => Promise.resolve({ records: customers(sized(100_000, size), 1) }),
  async observe({ records }, rounds, perSecond) {
    const samples: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const rate = await perSecond(records.length, () => {
        const populations = populationsOf(records.map((record, index) => matchRecord({ ...record, id: `${index}` })));
        for (const _ of scan(populations, learn(populations)));
        return Promise.resolve();
      });
      samples.push(rate);
    }
    return [{ name: `duplicate scan of ${records.length.toLocaleString('en')}`, unit: 'contacts/s', samples }];
  },
  cleanup: () => Promise.resolve(),
};

type Running = { crm: Crm; call: Call; count: number };

const together = 10;
/** As somebody merges who looks at what they do: the views have caught up by then. */
const betweenMerges = 300;

/** Ten customers made one, over HTTP. */
const merging: Watch<Running> = {
  name: 'merge of ten',
  needs: ['postgres'],
  async prepare(servers, size) {
    const crm = await startCrm(servers, {
      THROUGHLINE_DATABASE_URL: servers.databaseUrl,
      THROUGHLINE_DATABASE_PREFIX: 'bench_merge_',
      THROUGHLINE_DATA_DIR: join(servers.folder, 'merge'),
      THROUGHLINE_MASTER_KEY: masterKey,
    });
    return { crm, call: await asAdministrator(crm), count: sized(100, size) };
  },
  async observe({ call, count }) {
    const random = new Random('merge');
    const ids: string[] = [];
    await byWriters(16, count * together, async (index) => {
      ids[index] = (await call('POST', '/api/customers', customerFields(random, index))).body.id as string;
    });
    const groups = Array.from({ length: count }, (_, index) => ids.slice(index * together, (index + 1) * together));
    const mergeAll = async (some: readonly string[][], restMilliseconds: number): Promise<number[]> => {
      const samples: number[] = [];
      for (const [survivor, ...absorb] of some) {
        await sleep(restMilliseconds);
        const start = performance.now();
        const { status } = await call('POST', `/api/customers/${survivor}/merge`, { absorb });
        if (status !== 200) throw new Error(`a merge was answered with ${status}`);
        samples.push((performance.now() - start) / 1_000);
      }
      return samples;
    };
    const half = Math.ceil(count / 2);
    const [single, row] = [groups.slice(0, half), groups.slice(half)];
    return [
      { name: 'merge of ten customers', unit: 's', samples: await mergeAll(single, betweenMerges), quantiles: true },
      {
        name: 'merge of ten, one on the heels of another',
        unit: 's',
        samples: await mergeAll(row, 0),
        quantiles: true,
      },
    ];
  },
  cleanup: ({ crm }) => crm.child.stop(),
};

export const watches: readonly Watch[] = [scanning, merging];
