import { describe } from '@jest/globals';
import { startAsServices } from '../src/instance.ts';
import { telemetry } from '../src/telemetry.ts';

describe('the telemetry of the CRM as services', () => {
  telemetry({ start: (environment) => startAsServices(undefined, environment), apart: true });
});
