// A real service with more to do: it also counts, records and reacts, so that the run can tell what came of every event.
import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { services, type ServiceName } from '@throughline/contracts';
import { runPolicy } from '@throughline/event-sourcing';
import type { SetAside } from '@throughline/messaging';
import {
  EmbeddedBus,
  Kernel,
  Log,
  Service,
  definitionOf,
  readConfig,
  serveAs,
  startService,
  type Bus,
  type ServiceDefinition,
  type Worker,
} from '@throughline/service';
import { AnalyticsModule } from '@throughline/analytics-service';
import { CustomersModule } from '@throughline/customers-service';
import { SalesModule } from '@throughline/sales-service';
import { createCured, followUp } from './follow-up.policy.ts';
import { createGiven, record } from './recorder.ts';
import { customerTally, dealTally } from './tally.view.ts';

const running: readonly ServiceName[] = ['sales', 'customers'];
const name = process.argv[2] as 'sales' | 'customers' | 'analytics';
const config = readConfig();
const log = new Log(name, config.logLevel);
/** Where this process reads the logs of others. */
let bus: Bus;

/** Nobody writes to the topics but the services themselves. */
const unreadable: SetAside = async (topic, { offset }, reason) => {
  throw new Error(`message ${offset} of ${topic} cannot be read: ${reason}`);
};

/** What the run does while this process leads, beside the service's own work. */
@Injectable()
class Onlooker implements Worker {
  constructor(private readonly kernel: Kernel) {}

  async run(signal: AbortSignal): Promise<void> {
    const { kernel } = this;
    const { pool, codec, commands } = kernel;
    await createGiven(pool);
    await createCured(pool);
    const feeds = name === 'analytics' ? running.map((service) => bus.feed(service, unreadable)) : [kernel.feed()];
    await Promise.all([
      ...feeds.map((feed) => record({ feed, codec, pool, log }, signal)),
      ...(name === 'sales'
        ? [runPolicy(followUp(commands, pool), { feed: kernel.feed(), codec, pool, log }, signal)]
        : []),
    ]);
  }
}

const withMore = (
  definition: ServiceDefinition,
  folds: NonNullable<ServiceDefinition['folds']>,
): ServiceDefinition => ({
  ...definition,
  folds: [...(definition.folds ?? []), ...folds],
  workers: [...(definition.workers ?? []), Onlooker],
});
@Service(withMore(definitionOf(SalesModule), [dealTally]))
class Sales {}
@Service(withMore(definitionOf(CustomersModule), [customerTally]))
class Customers {}
@Service(withMore(definitionOf(AnalyticsModule), [dealTally, customerTally]))
class Analytics {}
const modules = { sales: Sales, customers: Customers, analytics: Analytics };

/** Opens the databases of other services, to read their logs there. */
async function storesOf(services: readonly ServiceName[]): Promise<EmbeddedBus> {
  const stores = new EmbeddedBus();
  for (const service of services) stores.join(service, (await Kernel.open({ name: service }, config, log)).feed());
  return stores;
}

/** The bus as it is, but for the logs of services that have little or nothing to say: those are read in their stores. */
function withQuiet(loud: Bus, quiet: EmbeddedBus): Bus {
  return new Proxy(loud, {
    get(target, property) {
      if (property === 'feed') {
        return (of: ServiceName, setAside: SetAside) =>
          running.includes(of) ? target.feed(of, setAside) : quiet.feed(of);
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(target) : value;
    },
  });
}

const others = services.filter((service) => service !== name);
if (config.kafkaBrokers) {
  await serveAs(name, async (surroundings) => {
    bus = withQuiet(surroundings.bus, await storesOf(others.filter((service) => !running.includes(service))));
    return startService(modules[name], { config: surroundings.config, bus });
  });
} else {
  bus = await storesOf(others);
  const service = await startService(modules[name], { config, bus });
  process.once('SIGTERM', () => void service.stop().finally(() => process.exit(0)));
}
