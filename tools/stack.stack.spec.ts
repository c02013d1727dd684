import { Client } from '@elastic/elasticsearch';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';

const stack = JSON.parse(process.env['THROUGHLINE_TEST_STACK']!) as Record<
  'kafkaBrokers' | 'searchUrl' | 'databaseUrl',
  string
>;

describe('the stack', () => {
  it('carries a message through Kafka', async () => {
    const kafka = new Kafka({ brokers: stack.kafkaBrokers.split(','), logLevel: logLevel.NOTHING });
    const topic = `smoke-${process.pid}`;
    const [admin, producer, consumer] = [kafka.admin(), kafka.producer(), kafka.consumer({ groupId: topic })];
    await Promise.all([admin.connect(), producer.connect(), consumer.connect()]);
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    await producer.send({ topic, acks: -1, messages: [{ value: 'hello' }] });

    await consumer.subscribe({ topic, fromBeginning: true });
    const received = await new Promise((done) => {
      void consumer.run({ eachMessage: async ({ message }) => done(message.value?.toString()) });
    });
    expect(received).toBe('hello');
    await Promise.all([admin.disconnect(), producer.disconnect(), consumer.disconnect()]);
  });

  it('finds a document in Elasticsearch', async () => {
    const client = new Client({ node: stack.searchUrl });
    const index = `smoke-${process.pid}`;
    await client.index({ index, id: '1', document: { name: 'Ada Lovelace' }, refresh: true });
    const { hits } = await client.search({ index, query: { match: { name: 'lovelace' } } });
    expect(hits.hits.map((hit) => hit._id)).toEqual(['1']);
    await client.indices.delete({ index });
    await client.close();
  });

  it('answers from Postgres 18', async () => {
    const client = new pg.Client({ connectionString: stack.databaseUrl });
    await client.connect();
    const { rows } = await client.query("select current_setting('server_version_num')::int / 10000 as major");
    expect(rows).toEqual([{ major: 18 }]);
    await client.end();
  });
});
