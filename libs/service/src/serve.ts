import 'reflect-metadata';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { ServiceName } from '@throughline/contracts';
import {
  Commands,
  EventStore,
  Session,
  announce,
  errorForLog,
  keepAnchors,
  keepForgettingCommands,
  writeOnceFolder,
  type Duty,
  type StoreFeed,
} from '@throughline/event-sourcing';
import { DataSource } from 'typeorm';
import { Answer } from './answer.ts';
import { takeJsonOnly, takeLines } from './bodies.ts';
import { Bus, Feeds } from './bus.ts';
import { ServiceConfig } from './config.ts';
import { DeadMessages } from './dead-messages.ts';
import { followersOf, observe } from './gauges.ts';
import { ForgetPersonWhenErased, Forgetting } from './forgetting.ts';
import { refusals, watchRoutes } from './framework-errors.ts';
import { HealthController } from './health.controller.ts';
import { HistoryController } from './history.controller.ts';
import { Jobs, type JobHandler } from './jobs.ts';
import { Kernel } from './kernel.ts';
import { Log } from './log.ts';
import { openApiOf } from './openapi.ts';
import { Opening } from './opening.ts';
import { OperationsController } from './operations.controller.ts';
import { PassErrorOn, PolicyTransport } from './policy-transport.ts';
import { ProblemFilter } from './problem.ts';
import { pathOf } from './public-routes.ts';
import { Records } from './records.ts';
import { byInternalToken, prepareRequests, type Authenticate } from './request.ts';
import { definitionOf, type Describes } from './service.ts';
import { Timers } from './timers.ts';
import { Tokens } from './tokens.ts';
import { takeUploads } from './uploads.ts';
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
const openingMilliseconds = 1_000;
/** Routes without the `/api` in front, or with one of their own: what answers `/forms` is not what answers `/api/forms`. */
const outsideApi = [
  'healthz',
  'readyz',
  'openapi.json',
  'internal/{*path}',
  'hooks/:connection',
  'forms/:key',
  'api/forms',
  'api/forms/{*path}',
  'unsubscribe/:token',
  '.well-known/jwks.json',
];

/** Starts a service: its databases, its HTTP edge and, by its role, its workers. */
export async function startService(module: Type<unknown>, options: StartOptions): Promise<RunningService> {
  const { config, bus } = options;
  const definition = definitionOf(module);
  const log = new Log(definition.name, config.logLevel);
  const kernel = await Kernel.open(definition, config, log);
  const handlers = Object.entries(definition.timers ?? {});
  const timers =
    handlers.length > 0
      ? await Timers.open(
          kernel.pool,
          handlers.map(([name]) => name),
          log,
          config.role !== 'api',
        )
      : undefined;
  const workOf = Object.entries(definition.jobs ?? {});
  const jobs = workOf.length > 0 ? new Jobs(kernel, log) : undefined;
  const feeds = new Feeds(kernel.feed(), bus, new DeadMessages(kernel).setAside);
  const tokens = new Tokens(kernel.secrets);
  const transport = new PolicyTransport();
  const problems = new ProblemFilter(log);
  const adapter = new FastifyAdapter({
    bodyLimit: megabyte,
    trustProxy: config.trustProxy,
    routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
    ...refusals(problems),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    edge(module, { kernel, feeds, timers, jobs, tokens, config, log, bus }),
    adapter,
    {
      logger: log.forNest(),
      abortOnError: false,
      bodyParser: false,
    },
  );
  const authenticate = options.authenticate?.(kernel, () => app) ?? byInternalToken(tokens);
  const fastify = app.getHttpAdapter().getInstance();
  prepareRequests(fastify as never, { service: definition.name, authenticate, problems, log, meters: kernel.meters });
  const { takesRaw } = definition;
  takeJsonOnly(
    fastify as never,
    ({ url, headers }) =>
      takesRaw !== undefined && takesRaw.path.test(pathOf(url)) && takesRaw.type.test(headers['content-type'] ?? ''),
  );
  takeLines(fastify as never);
  const opening = new Opening(log);
  opening.guard(fastify as never, problems);
  kernel.addCondition(() => Promise.resolve(opening.isOpen));
  if (definition.uploads) await takeUploads(fastify as never, definition.uploads);
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
  // Half a second of work, that most processes are never asked for.
  let document: OpenAPIObject | undefined;
  const describers = (definition.describes ?? []).map((one) => app.get(one));
  fastify.get('/openapi.json', () => describedNow((document ??= openApiOf(app, definition.name)), describers));
  await app.init();
  refuseOtherMethods();
  const preparations = (definition.preparations ?? []).map((one) => app.get(one));
  const opened = opening.run(preparations, kernel.stopping).then(() => {
    if (opening.isOpen && 'join' in bus)
      (bus as { join: (service: ServiceName, feed: StoreFeed) => void }).join(definition.name, kernel.feed());
  });
  // Nearly always there is nothing to be done, and nobody finds it closed.
  await Promise.race([opened, sleep(openingMilliseconds, undefined, { ref: false })]);
  await app.listen(config.port, config.host);
  const url = await app.getUrl();

  let leading = false;
  const unobserve = observe({
    service: definition.name,
    pool: kernel.pool,
    fetchAge: () => bus.fetchAge(),
    ...(timers && { failedTimers: () => timers.failures() }),
    ...(config.role !== 'api' && {
      workers: {
        ...followersOf(definition, transport.policies, bus.relays),
        leading: () => leading,
        feed: (name: ServiceName) => feeds.of(name),
      },
    }),
  });
  let working: Promise<unknown> = opened;
  const announcer = config.role === 'worker' ? undefined : announce(kernel.store);
  if (config.role !== 'api') {
    const session = new Session(kernel.databaseUrl, (client) => kernel.checkStore(client));
    session.on('appended', (by) => void (by !== announcer && kernel.store.emit('appended', 0)));
    const feed = (service: string) => feeds.of(service as ServiceName);
    // The session's connection is not one of the pool, whose connections are looked at.
    const sameStore = () => kernel.pool.query('select 1');
    const work: Duty['work'] = async (_, signal) => {
      await sameStore();
      leading = true;
      try {
        await Promise.all([
          transport.run({ feed, codec: kernel.codec, pool: kernel.pool, log }, signal),
          bus.relay(kernel.feed(), kernel.pool, signal),
          app.get(Forgetting).run(signal),
          anchored(kernel, config, log, signal),
          kernel.views.forgetOld(signal),
          jobs?.run(new Map(workOf.map(([kind, handler]): [string, JobHandler] => [kind, app.get(handler)])), signal),
          keepForgettingCommands(kernel.pool, config.commandDays, log, signal),
          ...(definition.workers ?? []).map((worker) => app.get(worker).run(signal)),
          // Who has nothing to follow leads all the same.
          signal.aborted ? undefined : once(signal, 'abort'),
        ]);
      } finally {
        leading = false;
      }
    };
    const keepViews: Duty['work'] = async (tables, signal) => {
      await sameStore();
      await kernel.views.run(feed, tables, signal);
    };
    const duties = [
      { locks: ['workers'], work },
      { locks: kernel.views.names, work: keepViews },
    ];
    working = opened.then(() =>
      Promise.all([
        session.lead(duties, kernel.stopping, (error) => log.error('worker stopped', errorForLog(error))),
        timers?.run(new Map(handlers.map(([name, handler]) => [name, app.get(handler)])), kernel.stopping),
      ]),
    );
  }
  return {
    name: definition.name,
    url,
    kernel,
    app,
    stop: async () => {
      unobserve();
      kernel.stop();
      await working;
      // Whoever has not finished sending by then will send again.
      const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), lastRequestMilliseconds);
      await app.close();
      clearTimeout(cut);
      await timers?.close();
      await kernel.close();
    },
  };
}

/** The document with what is configured, as of this moment. */
async function describedNow(document: OpenAPIObject, describers: readonly Describes[]): Promise<OpenAPIObject> {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Record<string, unknown>>;
  const said = await Promise.all(describers.map((one) => one.describe(schemas)));
  return { ...document, components: { ...document.components, schemas: Object.assign({}, schemas, ...said) as never } };
}

/** Says outside of the database what is in it, where there is a place for that. */
async function anchored(kernel: Kernel, config: ServiceConfig, log: Log, signal: AbortSignal): Promise<void> {
  const { anchorDir, anchorSeconds: seconds } = config;
  if (anchorDir === undefined) return;
  const { service, store, secrets } = kernel;
  await keepAnchors({ service, store, secrets, anchors: writeOnceFolder(anchorDir), seconds, log }, signal);
}

function edge(
  module: Type<unknown>,
  {
    kernel,
    feeds,
    timers,
    jobs,
    tokens,
    config,
    log,
    bus,
  }: {
    kernel: Kernel;
    feeds: Feeds;
    timers: Timers | undefined;
    jobs: Jobs | undefined;
    tokens: Tokens;
    config: ServiceConfig;
    log: Log;
    bus: Bus;
  },
): DynamicModule {
  const providers = [
    { provide: Kernel, useValue: kernel },
    { provide: Commands, useValue: kernel.commands },
    { provide: EventStore, useValue: kernel.store },
    { provide: DataSource, useValue: kernel.dataSource },
    { provide: Feeds, useValue: feeds },
    ...(timers ? [{ provide: Timers, useValue: timers }] : []),
    ...(jobs ? [{ provide: Jobs, useValue: jobs }] : []),
    { provide: Tokens, useValue: tokens },
    { provide: ServiceConfig, useValue: config },
    { provide: Log, useValue: log },
    { provide: Bus, useValue: bus },
    Records,
    Forgetting,
  ];
  return {
    module: EdgeModule,
    global: true,
    imports: [module],
    controllers: [HealthController, HistoryController, OperationsController, ForgetPersonWhenErased],
    providers,
    exports: providers,
  };
}

class EdgeModule {}
