import { describe } from '@jest/globals';
import { erasure } from '../src/erasure.ts';
import { sharedStack, startAsServices } from '../src/instance.ts';

describe('an erasure over services', () => {
  erasure({ start: (environment) => startAsServices(sharedStack(), environment), parts: sharedStack() });
});
