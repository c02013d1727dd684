import { baseUrlOf, serveAs } from '@throughline/service';
import { startGateway } from './gateway.ts';

await serveAs('gateway', async ({ config, bus }) => {
  const gateway = await startGateway({ config, bus, baseUrl: (service) => baseUrlOf(config, service) });
  const { firstAccess } = gateway;
  // Said once, in plain words: nobody could sign in otherwise.
  if (firstAccess) process.stdout.write(`sign in as ${firstAccess.email} with password ${firstAccess.password}\n`);
  return gateway;
});
