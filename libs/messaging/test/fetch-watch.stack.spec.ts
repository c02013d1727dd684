import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fetchWatch, openKafka, type KafkaPort } from '../src/index.ts';
import { freshKafka, until } from './fixture.ts';

const topic = 'words';
const patient = { topics: () => [topic], limitMilliseconds: 100, patienceMilliseconds: 300 };

let port: KafkaPort;
beforeAll(async () => {
  port = (await freshKafka('kafkajs')).port;
  await port.ensureTopic(topic);
});
afterAll(() => port.disconnect());

/** The port as it is, with a reader that got no answer for so long. */
const waiting = (milliseconds: number, of: KafkaPort = port): KafkaPort => ({
  ensureTopic: (name) => of.ensureTopic(name),
  produce: (name, messages) => of.produce(name, messages),
  reader: (name) => of.reader(name),
  fetchAge: () => milliseconds,
  disconnect: () => of.disconnect(),
});
const afterPatience = async (hangs: () => Promise<boolean>) => {
  const first = await hangs();
  await new Promise((done) => setTimeout(done, 400));
  return [first, await hangs()];
};

describe('a reader', () => {
  it('hangs when it asks in vain for what others are told, but has time to find back', async () => {
    expect(await afterPatience(fetchWatch({ ...patient, port: waiting(200) }))).toEqual([false, true]);
  });

  it('does not hang while it is answered', async () => {
    expect(await afterPatience(fetchWatch({ ...patient, port: waiting(100) }))).toEqual([false, false]);
  });

  it('does not hang while Kafka is away, however long', async () => {
    const nowhere = await openKafka('kafkajs', { brokers: ['127.0.0.1:1'], clientId: 'test', replicationFactor: 1 });
    const reader = nowhere.reader(topic);
    await reader.offsets().catch(() => undefined);
    await until(() => nowhere.fetchAge() > patient.limitMilliseconds);
    expect(await afterPatience(fetchWatch({ ...patient, port: nowhere }))).toEqual([false, false]);
    await nowhere.disconnect();
  });

  it('does not hang because one of the topics is missing', async () => {
    const topics = () => [topic, 'missing'];
    expect(await afterPatience(fetchWatch({ ...patient, topics, port: waiting(200) }))).toEqual([false, false]);
  });

  it('begins its time anew when it was answered in between', async () => {
    let age = 200;
    const hangs = fetchWatch({ ...patient, port: { ...waiting(0), fetchAge: () => age } });
    expect(await hangs()).toBe(false);
    await new Promise((done) => setTimeout(done, 400));
    age = 0;
    expect(await hangs()).toBe(false);
    age = 200;
    expect(await hangs()).toBe(false);
  });
});
