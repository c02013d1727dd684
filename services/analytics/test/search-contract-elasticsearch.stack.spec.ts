import { randomBytes } from 'node:crypto';
import { ElasticsearchEngine } from '../src/search/elasticsearch.engine.ts';
import { searchContract } from './search-contract.ts';

searchContract('Elasticsearch', async () => {
  const { searchUrl } = JSON.parse(process.env['THROUGHLINE_TEST_STACK'] as string) as { searchUrl: string };
  const prefix = `t${randomBytes(5).toString('hex')}_`;
  const engine = new ElasticsearchEngine(searchUrl, { prefix, generation: 'one' });
  return { engine, end: () => engine.close() };
});
