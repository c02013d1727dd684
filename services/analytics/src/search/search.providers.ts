import type { Provider } from '@nestjs/common';
import { Kernel, ServiceConfig } from '@throughline/service';
import { ElasticsearchEngine } from './elasticsearch.engine.ts';
import { PostgresEngine } from './postgres.engine.ts';
import { SearchEngine } from './search-engine.ts';

/** Elasticsearch where there is one, else the analytics database. */
export const searchEngine: Provider = {
  provide: SearchEngine,
  inject: [Kernel, ServiceConfig],
  useFactory: async (kernel: Kernel, { searchUrl, databasePrefix: prefix }: ServiceConfig): Promise<SearchEngine> =>
    searchUrl
      ? new ElasticsearchEngine(searchUrl, { prefix, generation: await kernel.store.generation() })
      : new PostgresEngine(kernel.pool),
};
