import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Away, kafkaClients, type KafkaPort, type Message } from '../src/index.ts';
import { dump, freshKafka } from './fixture.ts';

const topic = 'words';
const message = (text: string): Message => ({ key: text, value: Buffer.from(text), headers: {} });
const textsOf = (messages: readonly { value: Buffer }[]) => messages.map(({ value }) => value.toString());

describe.each(kafkaClients)('the port with %s', (client) => {
  let kafka: Awaited<ReturnType<typeof freshKafka>>;
  let port: KafkaPort;
  beforeEach(async () => {
    kafka = await freshKafka(client);
    port = kafka.port;
    await port.ensureTopic(topic);
  });
  afterEach(() => port.disconnect());

  it('makes a topic that keeps its order and two weeks, and leaves one that is there', async () => {
    await port.produce(topic, [message('one')]);
    await port.ensureTopic(topic);
    expect(textsOf(await dump(port, topic))).toEqual(['one']);
    const day = 24 * 60 * 60 * 1_000;
    expect(await kafka.settings(topic)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': String(14 * day),
      'min.insync.replicas': '1',
    });
  });

  it('carries keys, values and headers to the byte, whatever they hold', async () => {
    const sent: Message[] = [
      { key: 'deal:1', value: Buffer.from([0, 255, 10, 13, 0]), headers: { ce_id: '1', 'content-type': 'text' } },
      { key: '客户:二', value: Buffer.from('长城🐉'), headers: { 名: '王伟 "\\\n' } },
      { key: 'empty', value: Buffer.alloc(0), headers: { empty: '' } },
      { key: '', value: Buffer.from('{}'), headers: {} },
      { key: 'large', value: Buffer.alloc(20_000, 'x'), headers: {} },
    ];
    for (const one of sent) await port.produce(topic, [one]);
    expect(await dump(port, topic)).toEqual(sent.map((one, offset) => ({ ...one, offset })));
  });

  it.each(kafkaClients)('reads what %s has sent', async (sender) => {
    const other = await kafka.as(sender);
    await other.produce(topic, [{ key: 'k', value: Buffer.from('v'), headers: { h: '值' } }]);
    expect(await dump(port, topic)).toEqual([{ offset: 0, key: 'k', value: Buffer.from('v'), headers: { h: '值' } }]);
    await other.disconnect();
  });

  it('sends in the order in which it is told to, also where nobody waits', async () => {
    const texts = Array.from({ length: 40 }, (_, index) => `m${index}`);
    await Promise.all(texts.map((text) => port.produce(topic, [message(text)])));
    expect(textsOf(await dump(port, topic))).toEqual(texts);
  });

  it('reads from any offset on, also within a batch', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `m${index}`);
    await port.produce(topic, texts.slice(0, 10).map(message));
    await port.produce(topic, texts.slice(10).map(message));
    const reader = port.reader(topic);
    expect(await reader.offsets()).toEqual({ earliest: 0, latest: 20 });
    for (const offset of [0, 3, 9, 10, 19]) {
      const { messages, next } = await reader.fetch(offset);
      expect(textsOf(messages)).toEqual(texts.slice(offset));
      expect(next).toBe(20);
    }
    const { messages, next } = await reader.fetch(4, 1);
    expect(textsOf(messages)).toEqual(texts.slice(4, next));
    reader.close();
  });

  it('answers several questions of one reader at once', async () => {
    await port.produce(topic, ['a', 'b', 'c'].map(message));
    const reader = port.reader(topic);
    const [all, offsets, last, nothing] = await Promise.all([
      reader.fetch(0),
      reader.offsets(),
      reader.fetch(2),
      reader.fetch(3),
    ]);
    expect([textsOf(all.messages), offsets, textsOf(last.messages)]).toEqual([
      ['a', 'b', 'c'],
      { earliest: 0, latest: 3 },
      ['c'],
    ]);
    expect(nothing).toEqual({ messages: [], next: 3 });
    reader.close();
  });

  it('waits a moment for the first message, and is not asking any more once it has it', async () => {
    const reader = port.reader(topic);
    expect(await reader.offsets()).toEqual({ earliest: 0, latest: 0 });
    const fetching = reader.fetch(0);
    await port.produce(topic, [message('late')]);
    expect(textsOf((await fetching).messages)).toEqual(['late']);
    expect(port.fetchAge()).toBe(0);
    reader.close();
  });

  it('says Away for an offset that is not there and a topic that is missing, and reads on afterwards', async () => {
    await port.produce(topic, ['a', 'b', 'c'].map(message));
    await kafka.truncate(topic, 2);
    const reader = port.reader(topic);
    for (const offset of [0, 1, 4, 1_000]) await expect(reader.fetch(offset)).rejects.toBeInstanceOf(Away);
    expect(textsOf((await reader.fetch(2)).messages)).toEqual(['c']);
    const missing = port.reader('missing');
    await expect(missing.offsets()).rejects.toBeInstanceOf(Away);
    await expect(missing.fetch(0)).rejects.toBeInstanceOf(Away);
    await expect(port.produce('missing', [message('a')])).rejects.toBeInstanceOf(Away);
    await port.produce(topic, [message('d')]);
    expect(textsOf((await reader.fetch(2)).messages)).toEqual(['c', 'd']);
    for (const one of [reader, missing]) one.close();
    expect(port.fetchAge()).toBe(0);
  });

  it('does not ask for a reader that is closed, nor wait for it', async () => {
    const reader = port.reader(topic);
    await reader.offsets();
    const fetching = reader.fetch(0).catch((error: unknown) => error);
    reader.close();
    expect(port.fetchAge()).toBe(0);
    await expect(reader.offsets()).rejects.toBeInstanceOf(Away);
    await fetching;
  });
});
