import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { freePort } from '../../libs/service/src/embedded-postgres.ts';
import { findJava, kafkaLib } from './artifacts.ts';
import { type Part, part } from './part.ts';

type KafkaOptions = {
  /** Where its logs are, if not in `dir`. */
  data?: string | undefined;
  /** Where clients are sent to, when a proxy stands in between. */
  advertisedPort?: number;
};

/** A Kafka of one process, broker and controller, in `dir`. */
export async function kafkaPart(dir: string, options: KafkaOptions = {}): Promise<{ part: Part; brokers: string }> {
  await mkdir(dir, { recursive: true });
  const java = join(findJava()!.home, 'bin', 'java');
  const lib = await kafkaLib();
  const [port, controllerPort] = [await freePort(), await freePort()];
  const brokers = `127.0.0.1:${port}`;
  const data = options.data ?? join(dir, 'data');
  const properties = join(dir, 'server.properties');
  await writeFile(
    properties,
    serverProperties({ port, advertisedPort: options.advertisedPort ?? port, controllerPort, data }),
  );
  await writeFile(join(dir, 'log4j2.yaml'), log4j);
  const classpath = ['-cp', join(lib, '*')];

  if (!existsSync(join(data, 'meta.properties'))) {
    const id = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url').replace(/^-/, 'x');
    const quiet = `-Dlog4j2.configurationFile=${join(dir, 'log4j2.yaml')}`;
    const tool = ['-XX:TieredStopAtLevel=1', quiet, ...classpath, 'kafka.tools.StorageTool'];
    const format = spawn(java, [...tool, 'format', '--standalone', '-t', id, '-c', properties], { stdio: 'pipe' });
    let output = '';
    for (const stream of [format.stdout, format.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const [code] = (await once(format, 'close')) as [number | null];
    if (code !== 0) throw new Error(`Kafka's storage could not be formatted: ${output.trim()}`);
  }

  const client = new Kafka({
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 5 },
  });
  return {
    brokers,
    part: part({
      name: 'Kafka',
      command: java,
      args: [
        '-Xmx512m',
        `-Dlog4j2.configurationFile=${join(dir, 'log4j2.yaml')}`,
        ...classpath,
        'kafka.Kafka',
        properties,
      ],
      cwd: dir,
      logFile: join(dir, 'kafka.log'),
      port,
      // The port opens a second or two before the first group coordinator is there.
      async ready() {
        const admin = client.admin();
        try {
          await admin.connect();
          await admin.describeGroups(['throughline-stack']);
        } finally {
          await admin.disconnect();
        }
      },
    }),
  };
}

const serverProperties = (at: { port: number; advertisedPort: number; controllerPort: number; data: string }) => `\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:${at.port},CONTROLLER://127.0.0.1:${at.controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${at.advertisedPort},CONTROLLER://127.0.0.1:${at.controllerPort}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:${at.controllerPort}
log.dirs=${at.data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
`;

const log4j = `\
Configuration:
  Appenders:
    Console:
      name: console
      PatternLayout: { pattern: '%d %p %c{1} %m%n' }
  Loggers:
    Root:
      level: WARN
      AppenderRef: { ref: console }
`;
