import { describe } from '@jest/globals';
import { startEmbedded } from '../src/instance.ts';
import { telemetry } from '../src/telemetry.ts';

describe('the telemetry of the CRM in one process', () => {
  telemetry({ start: (environment) => startEmbedded(undefined, environment), apart: false });
});
