import rateLimit from '@fastify/rate-limit';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServiceName } from '@throughline/contracts';
import {
  HttpProblem,
  Tokens,
  formBytes,
  pathOf,
  startService,
  takeJsonOnly,
  uploadBytes,
  type Bus,
  type RunningService,
  type ServiceConfig,
} from '@throughline/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { byTokenOrKey } from './access/authenticate.guard.ts';
import { Credentials } from './access/credentials.store.ts';
import { FirstAccessStore, type FirstAccess } from './access/first-access.store.ts';
import { serveDocs } from './docs/docs.edge.ts';
import { FormRules } from './form/form-rules.client.ts';
import { GatewayModule } from './gateway.module.ts';
import { serveOperations } from './operations/operations.edge.ts';
import { serveBulkChanges } from './routing/bulk-change.edge.ts';
import { Passes } from './routing/passes.edge.ts';
import { forwardToOwners } from './routing/proxy.edge.ts';
import { ownerOf, routes, takesFile } from './routing/routes.ts';
import { serveUnsubscribe } from './routing/unsubscribe.edge.ts';

export { GatewayModule };
export type { FirstAccess } from './access/first-access.store.ts';

export type RunningGateway = RunningService & { firstAccess: FirstAccess };

/** Starts the one public door. */
export async function startGateway(options: {
  config: ServiceConfig;
  bus: Bus;
  baseUrl: (service: ServiceName) => string;
}): Promise<RunningGateway> {
  const { config, bus, baseUrl } = options;
  let tokens: Tokens;
  let countFailure: CountFailure;
  const running = await startService(GatewayModule, {
    config,
    bus,
    authenticate: (kernel, app) =>
      byTokenOrKey(
        (tokens = new Tokens(kernel.secrets)),
        () => app().get(Credentials),
        (request) => countFailure(request),
      ),
    prepare: async (app) => {
      keepBodiesRaw(app);
      pipeFiles(app);
      countFailure = await limitRate(app);
      serveDocs(app, baseUrl);
      serveUnsubscribe(app, baseUrl);
      app.get(FormRules).reach(baseUrl);
      const passes = new Passes(tokens);
      serveOperations(app, passes, baseUrl);
      serveBulkChanges(app, passes, baseUrl);
      await forwardToOwners(app, passes, baseUrl);
    },
  });
  // The door is ready when everything behind it is.
  running.kernel.addCondition(async () => {
    const answers = await Promise.all(owners.map((service) => isReady(baseUrl(service))));
    return answers.every(Boolean);
  });
  const firstAccess = await running.app.get(FirstAccessStore).ensure();
  return { ...running, firstAccess };
}

const owners = [...new Set(routes.map(({ service }) => service))];
const readyMilliseconds = 2_000;

const isReady = (base: string): Promise<boolean> =>
  fetch(`${base}/readyz`, { signal: AbortSignal.timeout(readyMilliseconds) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Hooks are signed over the bytes, forms need not be JSON, and what is handed on is handed on as it came: only own routes get parsed JSON. */
function keepBodiesRaw(app: NestFastifyApplication): void {
  takeJsonOnly(app.getHttpAdapter().getInstance() as never, ({ method, url }) => {
    const path = pathOf(url);
    return /^\/(hooks|forms|unsubscribe)\//.test(path) || ownerOf(method, path) !== undefined;
  });
}

/** Files are as large as they are: they are handed on while they come in. */
function pipeFiles(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addContentTypeParser('multipart/form-data', (request, stream, done) => {
    if (!takesFile(request.method, pathOf(request.url))) return done(new HttpProblem(415, 'unsupported-media-type'));
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > uploadBytes + formBytes) return done(new HttpProblem(413, 'too-large'));
    done(null, stream);
  });
}

const requestsPerMinute = 6_000;
const signInsPerMinute = 20;
const failuresPerMinute = 60;
const submissionsPerMinute = 20;
const isSignIn = ({ url }: { url: string }): boolean => pathOf(url) === '/api/sessions';
const isSubmission = ({ url, method }: { url: string; method: string }): boolean =>
  method === 'POST' && pathOf(url).startsWith('/forms/');

/** However its address is written, it is the same form. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

type Limited = { url: string; method: string; ip: string; identity?: { id: string } };
const limitOf = (request: Limited): { max: number; of: string } => {
  if (isSignIn(request)) return { max: signInsPerMinute, of: `sign-in ${request.ip}` };
  if (isSubmission(request)) return { max: submissionsPerMinute, of: `${decoded(pathOf(request.url))} ${request.ip}` };
  return { max: requestsPerMinute, of: request.identity?.id ?? request.ip };
};

type CountFailure = (request: FastifyRequest) => Promise<void>;

/** A bound for everybody, and tight ones where passwords, tokens and keys could be guessed, and where anybody may write. */
async function limitRate(app: NestFastifyApplication): Promise<CountFailure> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  await fastify.register(rateLimit as never, {
    timeWindow: 60_000,
    enableDraftSpec: true,
    max: (request: Limited) => limitOf(request).max,
    keyGenerator: (request: Limited) => limitOf(request).of,
    errorResponseBuilder: () => new HttpProblem(429, 'too-many-requests'),
  });
  const count = fastify.createRateLimit({
    max: failuresPerMinute,
    keyGenerator: ({ ip }: FastifyRequest) => `failed ${ip}`,
  });
  return async (request) => {
    const counted = await count(request);
    if (counted.isAllowed || !counted.isExceeded) return;
    throw new HttpProblem(429, 'too-many-requests', { 'retry-after': String(counted.ttlInSeconds) });
  };
}
