// The customers service by itself, as a process whose environment says which of its parts run.
import { CustomersModule } from '@throughline/customers-service';
import { EmbeddedBus, readConfig, startService } from '@throughline/service';

const service = await startService(CustomersModule, { config: readConfig(), bus: new EmbeddedBus() });
process.once('SIGTERM', () => void service.stop().finally(() => process.exit(0)));
process.stdout.write(`listening at ${service.url}\n`);
