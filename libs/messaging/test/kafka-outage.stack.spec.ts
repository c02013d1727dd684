import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startStack, type Stack } from '../../../tools/stack.ts';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { KafkaFeed, kafkaClients } from '../src/index.ts';
import {
  append,
  following,
  freshKafka,
  keptLog,
  moved,
  nobody,
  nothingAside,
  opened,
  positionsOf,
  relaying,
  relayOf,
  until,
} from './fixture.ts';

let dir: string;
let stack: Stack;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'throughline-kafka-'));
  stack = await startStack({ kafka: true, dir });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
}, 60_000);

describe.each(kafkaClients)('a broker that goes and comes back, with %s', (client) => {
  for (const how of ['stop', 'kill'] as const) {
    it(`(${how}) loses nothing, holds up no command, and is worth one line a change`, async () => {
      const kernel = await freshStore(accountEvents);
      const { port } = await freshKafka(client, stack.kafkaBrokers);
      const logs = { relay: keptLog(), feed: keptLog() };
      const stopRelay = relaying(relayOf(kernel, port, logs.relay));
      const reader = following(
        new KafkaFeed({ service: 'sales', port, history: nobody, log: logs.feed, setAside: nothingAside }),
      );
      await reader.reaches(await append(kernel.store, [opened('王伟')]));
      logs.relay.lines.length = 0;
      logs.feed.lines.length = 0;

      await stack.kafka[how]();
      for (let index = 0; index < 40; index += 1) {
        const begun = performance.now();
        await append(kernel.store, [moved(index)]);
        expect(performance.now() - begun).toBeLessThan(5_000);
        await sleep(60);
      }
      expect(port.fetchAge()).toBeGreaterThan(2_000);
      expect(reader.events).toHaveLength(1);
      await stack.kafka.start();
      const last = await append(kernel.store, [moved(99)]);
      await reader.reaches(last);
      await until(() => port.fetchAge() < 1_500);

      expect(positionsOf(reader.events)).toEqual(positionsOf(await kernel.store.readAbove(0, 1_000)));
      expect(logs.relay.lines).toEqual(['relay to crm.sales.v1 waits', 'relay to crm.sales.v1 goes on']);
      expect(logs.feed.lines).toEqual(['feed from crm.sales.v1 waits', 'feed from crm.sales.v1 goes on']);
      await reader.stop();
      await stopRelay();
      const told = performance.now();
      await port.disconnect();
      expect(performance.now() - told).toBeLessThan(2_500);
      await kernel.drop();
    }, 90_000);
  }

  it('does not keep a process from disconnecting', async () => {
    const { port } = await freshKafka(client, stack.kafkaBrokers);
    await port.ensureTopic('x');
    const reader = port.reader('x');
    const fetching = reader.fetch(0).catch((error: unknown) => error);
    await stack.kafka.stop();
    const told = performance.now();
    await port.disconnect();
    expect(performance.now() - told).toBeLessThan(2_500);
    await fetching;
    await stack.kafka.start();
  }, 60_000);
});
