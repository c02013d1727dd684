import { StoreFeed } from '@throughline/event-sourcing';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { feedContract } from './feed-contract.ts';

feedContract('the store as a feed', async () => {
  const kernel = await freshStore(accountEvents);
  return { kernel, feed: new StoreFeed('sales', kernel.store), stop: () => kernel.drop() };
});
