import { describe } from '@jest/globals';
import { erasure } from '../src/erasure.ts';
import { startEmbedded } from '../src/instance.ts';

describe('an erasure in one process', () => {
  erasure({
    start: (environment) => startEmbedded(undefined, environment),
    parts: { databaseUrl: process.env['THROUGHLINE_TEST_DATABASE_URL'] ?? '' },
  });
});
