import type { Type } from '@nestjs/common';
import type { ServiceName } from '@throughline/contracts';
import type { Bus } from './bus.ts';
import { readConfig, type ServiceConfig } from './config.ts';
import { KafkaBus } from './kafka-bus.ts';
import { Log } from './log.ts';
import { startService, type RunningService } from './serve.ts';
import { definitionOf } from './service.ts';
import { startTelemetry } from './telemetry.ts';

export type Surroundings = { config: ServiceConfig; bus: Bus };

const graceMilliseconds = 9_000;

/** Runs a service as a process of its own: over Kafka, until SIGTERM or SIGINT. */
export function serve(module: Type<unknown>): Promise<void> {
  return serveAs(definitionOf(module).name, (surroundings) => startService(module, surroundings));
}

/** The same for a service that needs more than its module to start. */
export async function serveAs(
  name: ServiceName,
  start: (surroundings: Surroundings) => Promise<RunningService>,
): Promise<void> {
  try {
    const config = readConfig();
    if (!config.kafkaBrokers) throw new Error('THROUGHLINE_KAFKA_BROKERS is missing');
    const log = new Log(name, config.logLevel);
    const telemetry = await startTelemetry(config, name, log);
    const bus = await KafkaBus.open(name, config, log);
    const running = await start({ config, bus });
    log.info('listening', { url: running.url, role: config.role, metricsPort: config.metricsPort });
    const end = () => {
      setTimeout(() => process.exit(1), graceMilliseconds).unref();
      void running
        .stop()
        .then(() => bus.stop())
        .then(() => telemetry.stop())
        .finally(() => process.exit(0));
    };
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
  } catch (error) {
    process.stderr.write(`${name} could not start: ${(error as Error).message}\n`);
    process.exit(1);
  }
}
