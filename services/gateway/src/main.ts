import { baseUrlOf, serveAs } from '@throughline/service';
import { startGateway } from './gateway.ts';

await serveAs('gateway', ({ config, ...rest }) =>
  startGateway({ config, ...rest, baseUrl: (service) => baseUrlOf(config, service) }),
);
