import { builtInModel } from './built-in-model.ts';
import { findCandidates, indexKeys, type MatchIndex } from './candidates.ts';
import { customers } from './customers.fixtures.ts';
import { matchRecord, type MatchRecord } from './match-record.ts';

function indexOf(records: readonly MatchRecord[]): MatchIndex {
  const stored = records
    .map((record) => ({ record, keys: new Set(indexKeys(record)) }))
    .toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1));
  return {
    find({ queries, least }) {
      const shared = new Map<string, number>();
      const crowded = queries.filter(({ keys, limit, some, worth }) => {
        const having = stored.filter(({ keys: own }) => keys.every((key) => own.has(key)));
        if (having.length > limit && !some) return true;
        for (const { record } of having.slice(0, limit)) shared.set(record.id, (shared.get(record.id) ?? 0) + worth);
        return false;
      });
      const ids = [...shared].flatMap(([id, worth]) => (worth >= least ? [id] : []));
      return Promise.resolve({ ids, crowded });
    },
    records: (ids) => Promise.resolve(records.filter(({ id }) => ids.includes(id))),
  };
}
const person = (id: string, name: string, more = {}) => matchRecord({ id, kind: 'person', name, ...more });
const ids = async (record: MatchRecord, among: readonly MatchRecord[]) =>
  (await findCandidates(record, indexOf(among), builtInModel)).map((each) => each.record.id);

describe('the candidates of a record', () => {
  it('come with score and reasons, the strongest first, without the record itself', async () => {
    const record = person('new', '张偉', { phones: '13800138000', emails: 'zhangwei@acme.example' });
    const index = indexOf([
      record,
      person('other', '欧阳娜娜', { phones: '13900139000' }),
      person('phone', '张伟', { phones: '+8613800138000' }),
      person('both', '张伟', { phones: '138-0013-8000', emails: 'zhangwei@acme.example' }),
    ]);
    const found = await findCandidates(record, index, builtInModel);
    expect(found.map((each) => each.record.id)).toEqual(['both', 'phone']);
    expect(found[0]!.weight).toBeGreaterThan(found[1]!.weight);
    expect(found[1]!.reasons[0]).toMatchObject({ field: 'phone', level: 'exact' });
  });

  it('are found among many of the same name, by what else is known', async () => {
    const namesakes = Array.from({ length: 300 }, (_, i) =>
      person(`${i}`, '王伟', { birthDate: `${1930 + (i % 70)}-03-${10 + (i % 17)}`, emails: `w${i}x${i}@qq.com` }),
    );
    const record = person('new', '王伟', { birthDate: '1955-03-18', emails: 'w25x25@qq.com' });
    expect(await ids(record, namesakes)).toContain('25');
  });

  it('are those of a name in one city, where too many elsewhere have it', async () => {
    const living = (city: number) => ({ addresses: [{ country: 'CN', city: `${'东西南北中'[city % 5]}${city}市` }] });
    const namesakes = Array.from({ length: 300 }, (_, i) => person(`${i}`, '王伟', living(i % 50)));
    const record = person('new', '王伟', living(7));
    const found = await findCandidates(record, indexOf(namesakes), builtInModel, { threshold: -10 });
    const ofCity = namesakes.filter((_, i) => i % 50 === 7).map(({ id }) => id);
    expect(found.map((each) => each.record.id)).toEqual(expect.arrayContaining(ofCity));
  });

  it('are some of those who have the name and nothing else, however many they are', async () => {
    const copies = Array.from({ length: 100 }, (_, i) => person(`${i}`, 'Zacharias Quirrel'));
    const index = indexOf(copies);
    const found = await findCandidates(person('new', 'Zacharias Quirrel'), index, builtInModel, { threshold: 0 });
    expect(found).toHaveLength(40);
  });

  it('are not all those who wrote from one mailbox', async () => {
    const mailbox = { emails: 'info@messe.example' };
    const names = ['Xu Ning', 'Ann Vogel', 'Pat Quinn', 'Ken Ito'];
    const visitors = names.map((name) => person(name, name, mailbox));
    expect(await ids(person('new', 'Ben Okoro', mailbox), visitors)).toEqual([]);
    expect(await ids(person('new', 'Ann Vogel', mailbox), visitors)).toEqual(['Ann Vogel']);
  });

  it('are nearly all duplicates that there are', async () => {
    const known = customers(1_200, 21);
    const records = known.map(matchRecord);
    const index = indexOf(records);
    const truth = new Map(known.map(({ id, truth: who }) => [id, who]));
    const [twins, found] = [new Set<string>(), new Set<string>()];
    for (const record of records.slice(0, 150)) {
      for (const { id } of records)
        if (id !== record.id && truth.get(id) === truth.get(record.id)) twins.add(`${record.id} ${id}`);
      for (const each of await findCandidates(record, index, builtInModel)) found.add(`${record.id} ${each.record.id}`);
    }
    expect(twins.size).toBeGreaterThan(40);
    expect([...twins].filter((pair) => found.has(pair)).length / twins.size).toBeGreaterThan(0.88);
  });
});
