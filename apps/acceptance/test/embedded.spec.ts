import { describe } from '@jest/globals';
import { startEmbedded } from '../src/instance.ts';
import { acceptance } from '../src/suite.ts';

describe('the CRM in one process', () => {
  acceptance(() => startEmbedded());
});
