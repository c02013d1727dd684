import 'reflect-metadata';
import { type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServiceName } from '@throughline/contracts';
import { Commands, EventStore, Session, announce, errorForLog } from '@throughline/event-sourcing';
import { DataSource } from 'typeorm';
import { Answer } from './answer.ts';
import { takeJsonOnly } from './bodies.ts';
import type { Bus } from './bus.ts';
import { ServiceConfig } from './config.ts';
import { refusals, watchRoutes } from './framework-errors.ts';
import { HealthController } from './health.controller.ts';
import { HistoryController } from './history.controller.ts';
import { Kernel } from './kernel.ts';
import { Log } from './log.ts';
import { openApiOf } from './openapi.ts';
import { PassErrorOn, PolicyTransport } from './policy-transport.ts';
import { ProblemFilter } from './problem.ts';
import { Records } from './records.ts';
import { byInternalToken, prepareRequests, type Authenticate } from './request.ts';
import { definitionOf } from './service.ts';
import { Tokens } from './tokens.ts';
import { shapeCheck } from './validation.ts';

export type RunningService = {
  name: ServiceName;
  url: string;
  kernel: Kernel;
  app: NestFastifyApplication;
  stop: () => Promise<void>;
};

export type StartOptions = {
  config: ServiceConfig;
  bus: Bus;
  /** How requests prove who they are from; the gateway's short token unless given. */
  authenticate?: (kernel: Kernel, app: () => NestFastifyApplication) => Authenticate;
  /** Before the routes are made: raw bodies, proxies, limits. */
  prepare?: (app: NestFastifyApplication, kernel: Kernel) => Promise<void>;
};

const megabyte = 1024 * 1024;
const lastRequestMilliseconds = 2_000;
/** Routes without the `/api` in front. */
const outsideApi = [
  'healthz',
  'readyz',
  'openapi.json',
  'internal/history',
  'hooks/:connection',
  '.well-known/jwks.json',
];

/** Starts a service: its databases, its HTTP edge and, by its role, its workers. */
export async function startService(module: Type<unknown>, options: StartOptions): Promise<RunningService> {
  const { config, bus } = options;
  const definition = definitionOf(module);
  const log = new Log(definition.name, config.logLevel);
  const kernel = await Kernel.open(definition, config, log);
  if ('join' in bus)
    (bus as { join: (service: ServiceName, store: EventStore) => void }).join(definition.name, kernel.store);

  const tokens = new Tokens(kernel.secrets);
  const transport = new PolicyTransport();
  const problems = new ProblemFilter(log);
  const adapter = new FastifyAdapter({
    bodyLimit: megabyte,
    trustProxy: config.trustProxy,
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
    ...refusals(problems),
  });
  const app = await NestFactory.create<NestFastifyApplication>(edge(module, { kernel, tokens, config, log }), adapter, {
    logger: log.forNest(),
    abortOnError: false,
    bodyParser: false,
  });
  const authenticate = options.authenticate?.(kernel, () => app) ?? byInternalToken(tokens);
  const fastify = app.getHttpAdapter().getInstance();
  prepareRequests(fastify as never, { service: definition.name, authenticate, problems, log });
  takeJsonOnly(fastify as never);
  const refuseOtherMethods = watchRoutes(fastify as never, problems);
  await options.prepare?.(app, kernel);
  app.setGlobalPrefix('api', { exclude: [...outsideApi] });
  app.useGlobalFilters(problems);
  app.useGlobalPipes(shapeCheck());
  app.useGlobalInterceptors(new Answer(kernel));
  app
    .connectMicroservice({ strategy: transport }, { inheritAppConfig: false, deferInitialization: true })
    .useGlobalFilters(new PassErrorOn());
  await app.startAllMicroservices();
  const document = openApiOf(app, definition.name);
  fastify.get('/openapi.json', async () => document);
  await app.init();
  refuseOtherMethods();
  await app.listen(config.port, config.host);
  const url = await app.getUrl();

  const stopping = new AbortController();
  let working: Promise<unknown> = Promise.resolve();
  if (config.role !== 'worker') announce(kernel.store);
  if (config.role !== 'api') {
    const session = new Session(kernel.databaseUrl, `throughline:${definition.name}`);
    session.on('appended', () => kernel.store.emit('appended', 0));
    const work = async (signal: AbortSignal) => {
      await Promise.all([
        kernel.views.run(feedsOf(kernel, bus), signal),
        transport.run(
          { feed: (service) => feedOf(kernel, bus, service), codec: kernel.codec, pool: kernel.pool, log },
          signal,
        ),
        bus.relay(definition.name, kernel.store, signal),
        ...(definition.workers ?? []).map((worker) => app.get(worker).run(signal)),
      ]);
    };
    working = session.lead(work, stopping.signal, (error) => log.error('worker stopped', errorForLog(error)));
  }
  return {
    name: definition.name,
    url,
    kernel,
    app,
    stop: async () => {
      stopping.abort();
      await working;
      // Whoever has not finished sending by then will send again.
      const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), lastRequestMilliseconds);
      await app.close();
      clearTimeout(cut);
      await kernel.close();
    },
  };

  function feedsOf(own: Kernel, others: Bus) {
    const names = new Set((definition.folds ?? []).map((fold) => (fold as unknown as { feed: ServiceName }).feed));
    return [...names].map((name) => feedOf(own, others, name));
  }
  function feedOf(own: Kernel, others: Bus, name: ServiceName) {
    return name === definition.name ? own.feed() : others.feed(name);
  }
}

function edge(
  module: Type<unknown>,
  { kernel, tokens, config, log }: { kernel: Kernel; tokens: Tokens; config: ServiceConfig; log: Log },
): DynamicModule {
  const providers = [
    { provide: Kernel, useValue: kernel },
    { provide: Commands, useValue: kernel.commands },
    { provide: EventStore, useValue: kernel.store },
    { provide: DataSource, useValue: kernel.dataSource },
    { provide: Tokens, useValue: tokens },
    { provide: ServiceConfig, useValue: config },
    { provide: Log, useValue: log },
    Records,
  ];
  return {
    module: EdgeModule,
    global: true,
    imports: [module],
    controllers: [HealthController, HistoryController],
    providers,
    exports: providers,
  };
}

class EdgeModule {}
