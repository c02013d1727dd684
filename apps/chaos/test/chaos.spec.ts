import { describe, expect, it } from '@jest/globals';
import { described, scheduleOf } from '../src/schedule.ts';
import { storyOf } from '../src/traffic.ts';
import { expectToPass } from './run.ts';

const targets = {
  processes: ['a', 'b', 'c'],
  servers: ['d'],
  connections: ['e', 'f'],
  databases: ['g', 'h'],
  stores: ['h'],
};

describe('a chaos run', () => {
  it('is the same for the same seed', () => {
    expect(scheduleOf('1', 30, targets)).toEqual(scheduleOf('1', 30, targets));
    expect(scheduleOf('1', 30, targets)).not.toEqual(scheduleOf('2', 30, targets));
    expect(storyOf('1', 0, 7)).toEqual(storyOf('1', 0, 7));
    expect(storyOf('1', 0, 7)).not.toEqual(storyOf('1', 1, 7));
  });

  it('has every kind of fault, at every target, in the order of the events', () => {
    const schedule = scheduleOf('1', 27, targets);
    expect(new Set(schedule.map(({ kind }) => kind)).size).toBe(9);
    expect(new Set(schedule.map(({ target }) => target))).toEqual(new Set('abcdefgh'));
    expect(schedule.map(({ at }) => at)).toEqual(schedule.map(({ at }) => at).toSorted((a, b) => a - b));
    expect(schedule.map(described).join('\n')).toMatch(/\d\.\d %  freeze [abc], (9|1[0-2])\.\d s/);
  });

  it('loses, doubles and reorders nothing over the stores alone', async () => {
    const said = await expectToPass({ seed: '1', events: 4_000, faults: 9, stack: false });
    expect(said[0]).toBe('without Kafka and Elasticsearch: they were not asked for');
  }, 600_000);
});
