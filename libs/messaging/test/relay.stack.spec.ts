import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import { topicOf } from '@throughline/contracts';
import { Deposed, newId, takeCheckpoint } from '@throughline/event-sourcing';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { Away, KafkaFeed, kafkaClients, runRelay, type KafkaPort } from '../src/index.ts';
import {
  append,
  appendMany,
  dump,
  freshKafka,
  keptLog,
  moved,
  nobody,
  nothingAside,
  opened,
  positionsOf,
  quiet,
  readUpTo,
  relaying,
  relayOf,
  until,
} from './fixture.ts';

const topic = topicOf('sales');

describe.each(kafkaClients)('with %s', (client) => {
  let kernel: Awaited<ReturnType<typeof freshStore>>;
  let kafka: Awaited<ReturnType<typeof freshKafka>>;
  beforeAll(async () => {
    kernel = await freshStore(accountEvents);
  });
  beforeEach(async () => {
    kafka = await freshKafka(client);
    await kernel.pool.query('delete from checkpoints');
  });
  afterEach(() => kafka.port.disconnect());
  afterAll(() => kernel.drop());

  const stored = () => kernel.store.readAbove(0, 100_000);
  const relay = (port: KafkaPort = kafka.port, log = quiet) => relayOf(kernel, port, log);
  const relayed = async () => {
    const { rows } = await kernel.pool.query<{ position: string }>(
      `select position from checkpoints where subscription = 'relay' and feed = 'sales'`,
    );
    return Number(rows[0]?.position ?? 0);
  };
  const relayUpTo = async (position: number) => {
    const stop = relaying(relay());
    await until(async () => (await relayed()) >= position);
    await stop();
  };

  /** The port as it is, with another way to send. */
  const sending = (produce: KafkaPort['produce']): KafkaPort => ({
    ensureTopic: (name) => kafka.port.ensureTopic(name),
    produce,
    reader: (name) => kafka.port.reader(name),
    fetchAge: () => kafka.port.fetchAge(),
    disconnect: () => kafka.port.disconnect(),
  });

  describe('the relay', () => {
    it('copies the log, each message naming the position before it', async () => {
      const last = await appendMany(kernel.store, 20, 60);
      await relayUpTo(last);
      const messages = await dump(kafka.port, topic);
      const positions = messages.map(({ headers }) => Number(headers['position']));
      expect(positions).toEqual(positionsOf(await stored()));
      expect(messages.map(({ headers }) => Number(headers['previous']))).toEqual([0, ...positions.slice(0, -1)]);
    });

    it('that dies between acknowledgement and checkpoint sends the batch again, and readers see nothing doubled', async () => {
      const last = await appendMany(kernel.store, 30, 60);
      for (const deaths of [1, 2, 3]) {
        let sent = 0;
        const dying = sending(async (name, messages) => {
          await kafka.port.produce(name, messages);
          sent += 1;
          if (sent === deaths) throw new Error('killed');
        });
        await expect(runRelay(relay(dying), new AbortController().signal)).rejects.toThrow('killed');
      }
      await relayUpTo(last);
      const all = positionsOf(await stored());
      const inTopic = (await dump(kafka.port, topic)).map(({ headers }) => Number(headers['position']));
      expect(inTopic.length).toBeGreaterThan(all.length + 1_000);
      const feed = new KafkaFeed({
        service: 'sales',
        port: kafka.port,
        history: nobody,
        log: quiet,
        setAside: nothingAside,
      });
      for (const index of [-1, 10, 499, 500, 1_100]) {
        const { events } = await readUpTo(feed, all[index] ?? 0, last);
        expect(positionsOf(events)).toEqual(all.slice(index + 1));
      }
    });

    it('waits while Kafka does not take anything, says so once, and skips nothing', async () => {
      const last = await append(kernel.store, [opened('王伟')]);
      let refusals = 0;
      const log = keptLog();
      const moody = sending(async (name, messages) => {
        refusals += 1;
        if (refusals <= 4) throw new Away('could not send');
        await kafka.port.produce(name, messages);
      });
      const stop = relaying(relay(moody, log));
      await until(async () => (await relayed()) >= last);
      await stop();
      expect(log.lines).toEqual([`relay to ${topic} waits`, `relay to ${topic} goes on`]);
      expect((await dump(kafka.port, topic)).length).toBe((await stored()).length);
    });

    it('ends when another one took over', async () => {
      const last = await append(kernel.store, [opened('王伟')]);
      const ended = runRelay(relay(), new AbortController().signal);
      ended.catch(() => undefined);
      await until(async () => (await relayed()) >= last);
      await takeCheckpoint(kernel.pool, 'relay', 'sales');
      await append(kernel.store, [moved(1)]);
      await expect(ended).rejects.toBeInstanceOf(Deposed);
    });

    it('sends many large events in batches that a broker takes', async () => {
      const before = (await stored()).length;
      for (let index = 0; index < 12; index += 1) await append(kernel.store, [opened('长'.repeat(60_000))]);
      const last = await append(kernel.store, [moved(1)]);
      await relayUpTo(last);
      expect((await dump(kafka.port, topic)).length).toBe(before + 13);
    });

    it('refuses a topic of several partitions, which has no one order', async () => {
      await kafka.create(topic, 2);
      await expect(runRelay(relay(), new AbortController().signal)).rejects.toThrow('2 partitions');
    });

    it('puts no name, e-mail, phone or free text into the topic', async () => {
      const people = [
        { name: '王小明', email: 'xiaoming.wang@example.cn', phone: '+86 138 0013 8000' },
        { name: 'Ada Lovelace', email: 'ada@lovelace.example', phone: '+44 20 7946 0958' },
        { name: 'José Ñandú', email: 'jose.nandu@example.es', phone: '13800138001' },
      ];
      for (const { name, email, phone } of people) {
        const stream = newId();
        await append(kernel.store, [opened(name, email)], stream);
        await append(kernel.store, [moved(5, `call ${name} about the wedding at ${phone}`)], stream);
      }
      await relayUpTo((await stored()).at(-1)?.position as number);
      const messages = await dump(kafka.port, topic);
      const raw = messages.map(({ key, value, headers }) => `${key}\n${value.toString()}\n${JSON.stringify(headers)}`);
      const everything = raw.join('\n');
      const secrets = people.flatMap(({ name, email, phone }) => [name, email, ...email.split('@'), phone]);
      // Shorter ones may turn up in ciphertext by chance.
      const telling = [...secrets, '小明', 'Lovelace', '13800138', 'wedding'].filter(
        (text) => Buffer.byteLength(text) > 5,
      );
      expect(everything).toContain('MoneyMoved');
      expect(telling.filter((text) => everything.includes(text) || everything.includes(escaped(text)))).toEqual([]);
    });
  });
});

const escaped = (text: string): string =>
  text.replace(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
