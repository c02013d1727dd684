// The customers service, as a process that answers HTTP and runs no workers: what `api` means on Kubernetes.
import { CustomersModule } from '@throughline/customers-service';
import { EmbeddedBus, readConfig, startService } from '@throughline/service';

const service = await startService(CustomersModule, { config: readConfig(), bus: new EmbeddedBus() });
process.once('SIGTERM', () => void service.stop().finally(() => process.exit(0)));
process.stdout.write(`listening at ${service.url}\n`);
