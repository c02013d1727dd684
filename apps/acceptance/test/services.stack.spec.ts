import { describe } from '@jest/globals';
import { startAsServices } from '../src/instance.ts';
import { acceptance } from '../src/suite.ts';

describe('the CRM as services', () => {
  acceptance(() => startAsServices());
});
