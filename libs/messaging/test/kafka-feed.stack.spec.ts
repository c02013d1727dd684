import { StoreFeed } from '@throughline/event-sourcing';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { Away, KafkaFeed, runRelay, type History } from '../src/index.ts';
import { feedContract } from './feed-contract.ts';
import { freshKafka, quiet } from './fixture.ts';

/** So that all comes by Kafka. */
const nobody: History = { read: () => Promise.reject(new Away('nobody is there')) };

feedContract('a topic as a feed, from store through relay and Kafka', async () => {
  const kernel = await freshStore(accountEvents);
  const { port } = freshKafka();
  const stop = new AbortController();
  const storeFeed = new StoreFeed('sales', kernel.store);
  const relaying = runRelay({ feed: storeFeed, port, pool: kernel.pool, log: quiet }, stop.signal);
  return {
    kernel,
    feed: new KafkaFeed({ service: 'sales', port, history: nobody, log: quiet }),
    stop: async () => {
      stop.abort();
      await relaying;
      await port.disconnect();
      await kernel.drop();
    },
  };
});
