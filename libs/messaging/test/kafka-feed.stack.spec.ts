import { describe } from '@jest/globals';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { KafkaFeed, kafkaClients } from '../src/index.ts';
import { feedContract } from './feed-contract.ts';
import { freshKafka, nobody, nothingAside, quiet, relaying, relayOf } from './fixture.ts';

describe.each(kafkaClients)('with %s', (client) => {
  feedContract('a topic as a feed, from store through relay and Kafka', async () => {
    const kernel = await freshStore(accountEvents);
    const { port } = await freshKafka(client);
    const stopRelay = relaying(relayOf(kernel, port));
    return {
      kernel,
      feed: new KafkaFeed({ service: 'sales', port, history: nobody, log: quiet, setAside: nothingAside }),
      stop: async () => {
        await stopRelay();
        await port.disconnect();
        await kernel.drop();
      },
    };
  });
});
