import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import pg from 'pg';
import { Compile } from 'typebox/compile';
import {
  dictionary,
  erased,
  isErased,
  personalOf,
  versionsOf,
  type AnyEvent,
  type EventData,
  type EventDefinitions,
  type Recorded,
  type ServiceName,
} from '@throughline/contracts';
import {
  Codec,
  PostgresKeyring,
  checkpointOf,
  eventOf,
  newId,
  passed,
  secretsFrom,
  type Decider,
  type Feed,
  type Stored,
} from '@throughline/event-sourcing';
import { toMessage } from '@throughline/messaging';
import { Kernel, Log, databaseUrl, definitionOf, forgetting } from '@throughline/service';
import { dropDatabases, testConfig } from '@throughline/service/testing';
import { AnalyticsModule } from '../../../services/analytics/src/analytics.module.ts';
import { CustomersModule } from '../../../services/customers/src/customers.module.ts';
import { react as acknowledge } from '../../../services/customers/src/policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { react as verifyCustomers } from '../../../services/customers/src/policies/verify-customers-when-unique-rule-defined.policy.ts';
import { react as advanceLifecycle } from '../../../services/customers/src/policies/advance-lifecycle-when-customer-acts.policy.ts';
import { react as destroyKey } from '../../../services/customers/src/policies/destroy-key-when-customer-erased.policy.ts';
import { react as recordConsents } from '../../../services/customers/src/policies/record-consents-when-form-submitted.policy.ts';
import { react as recordSubmitter } from '../../../services/customers/src/policies/record-customer-when-form-submitted.policy.ts';
import { react as recordCustomer } from '../../../services/customers/src/policies/record-customer-when-seen.policy.ts';
import { react as recordDuplicates } from '../../../services/customers/src/policies/record-duplicates-when-customer-changes.policy.ts';
import { react as runBatch } from '../../../services/customers/src/policies/run-batch-when-started.policy.ts';
import { react as startBatch } from '../../../services/customers/src/policies/start-batch-when-import-started.policy.ts';
import { react as scheduleExpiry } from '../../../services/customers/src/policies/schedule-expiry-when-consent-given.policy.ts';
import { GatewayModule } from '../../../services/gateway/src/gateway.module.ts';
import { react as rememberRecord } from '../../../services/gateway/src/policies/remember-record-when-person-erased.policy.ts';
import { InteractionsModule } from '../../../services/interactions/src/interactions.module.ts';
import { react as logInteraction } from '../../../services/interactions/src/policies/log-interaction-when-customer-met.policy.ts';
import { react as scheduleFollowUp } from '../../../services/interactions/src/policies/schedule-follow-up-when-planned.policy.ts';
import { react as closeDeals } from '../../../services/sales/src/policies/close-deals-when-customer-archived.policy.ts';
import { react as recordOrder } from '../../../services/sales/src/policies/record-order-when-seen.policy.ts';
import { SalesModule } from '../../../services/sales/src/sales.module.ts';
import { dataOf, filesThere, fixtures, isThere, logOf, type Fixture } from '../src/fixtures.ts';

const root = join(import.meta.dirname, '../../..');
const allEvents = Object.assign({}, ...Object.values(dictionary)) as EventDefinitions;
const owners = (Object.keys(dictionary) as ServiceName[]).filter((service) =>
  fixtures.some((fixture) => fixture.service === service),
);
const modules = [GatewayModule, CustomersModule, InteractionsModule, SalesModule, AnalyticsModule];

/** Policy -> an event that it reacts to, and its reaction. */
const policies: Readonly<Record<string, readonly [types: readonly string[], react: (event: Recorded) => unknown]>> = {
  'record-customer-when-seen': [['CustomerSeen'], (event) => recordCustomer(event as never, 'C-000001')],
  'record-duplicates-when-customer-changes': [
    ['CustomerCreated', 'CustomerDetailsChanged', 'CustomerRestored'],
    (event) => recordDuplicates(event as never, event.stream.id, []),
  ],
  'record-consents-when-form-submitted': [['FormSubmitted'], (event) => recordConsents(event as never)],
  'record-customer-when-form-submitted': [
    ['FormSubmitted'],
    (event) => recordSubmitter(event as never, 'C-000001', { fields: {}, refusesUnknown: false }),
  ],
  'run-batch-when-started': [['BatchStarted'], (event) => runBatch(event as never)],
  'start-batch-when-import-started': [['ImportStarted'], (event) => startBatch(event as never, '客户.csv')],
  'record-order-when-seen': [['OrderSeen', 'RefundSeen'], (event) => recordOrder(event as never)],
  'destroy-key-when-customer-erased': [['CustomerErased'], (event) => destroyKey(event as never)],
  'acknowledge-erasure-when-person-forgotten': [['PersonForgotten'], (event) => acknowledge(event as never)],
  'schedule-expiry-when-consent-given': [['ConsentGiven'], (event) => scheduleExpiry(event as never)],
  'advance-lifecycle-when-customer-acts': [
    ['OrderPlaced', 'OrderChanged', 'DealOpened', 'InteractionLogged', 'CustomerCreated', 'CustomersMerged'],
    (event) => advanceLifecycle(event as never),
  ],
  'verify-customers-when-unique-rule-defined': [
    ['RuleSetDefined'],
    (event) => verifyCustomers(event as never, { rules: [] }),
  ],
  'remember-record-when-person-erased': [['PersonErased'], (event) => rememberRecord(event as never)],
  'close-deals-when-customer-archived': [['CustomerArchived'], (event) => closeDeals(event as never, [newId()])],
  'log-interaction-when-customer-met': [['CustomerMet'], (event) => logInteraction(event as never)],
  'schedule-follow-up-when-planned': [
    ['InteractionLogged', 'InteractionDetailsChanged', 'InteractionArchived'],
    (event) => scheduleFollowUp(event as never),
  ],
};

type AnyDecider = Decider<unknown, never, AnyEvent, never>;
const sources = (suffix: RegExp) =>
  readdirSync(join(root, 'services'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => suffix.test(file) && !file.includes('node_modules'),
  );

/** A file without a suffix is pure domain: all deciders that there are. */
async function deciders(): Promise<readonly AnyDecider[]> {
  const files = sources(/^[^/]+\/src\/[^/]+\/[^/.]+\.ts$/);
  const loaded = files.map((file) => import(join(root, 'services', file)) as Promise<Record<string, unknown>>);
  const exported = (await Promise.all(loaded)).flatMap((one) => Object.values(one));
  return [...exported, forgetting]
    .flatMap((one) => (typeof one === 'object' && one !== null ? [one, ...(Object.values(one) as unknown[])] : []))
    .filter((one): one is AnyDecider => typeof (one as Partial<AnyDecider> | null)?.evolve === 'function');
}

const upcast = ({ definition, version }: Fixture, said: EventData): EventData =>
  definition.earlier.slice(version - 1).reduce((data, earlier) => earlier.upcast(data), said);

describe('a fixture of an event', () => {
  it('is there for every version of every type, and for no other', () => {
    expect(fixtures.filter((fixture) => !isThere(fixture)).map(({ file }) => file)).toEqual([]);
    expect(filesThere().toSorted()).toEqual(fixtures.map(({ file }) => file).toSorted());
  });

  it.each(fixtures.map((fixture) => [fixture.file, fixture] as const))('%s fits the newest version', (_, fixture) => {
    const schema = Compile(fixture.definition.data);
    expect(schema.Errors(upcast(fixture, dataOf(fixture)))).toEqual([]);
  });
});

describe.each(['clear', 'erased'] as const)('every event that was ever written, %s,', (state) => {
  const config = testConfig();
  const kernels: Kernel[] = [];
  const keyringUrl = databaseUrl(config.databaseUrl, `${config.databasePrefix}keyring`);
  const secrets = secretsFrom(config.masterKey);
  const logs = new Map<ServiceName, readonly Stored[]>();
  const lines: string[] = [];
  let keyringPool: pg.Pool;
  let keyring: PostgresKeyring;

  beforeAll(async () => {
    for (const module of modules) {
      const definition = definitionOf(module);
      kernels.push(await Kernel.open(definition, config, new Log(definition.name, 'warn', (line) => lines.push(line))));
    }
    keyringPool = new pg.Pool({ connectionString: keyringUrl });
    keyring = new PostgresKeyring(keyringPool, secrets);
    for (const service of owners) logs.set(service, await logOf(service, keyring));
    const subjects = [...logs.values()]
      .flat()
      .flatMap(({ personal }) => Object.keys(JSON.parse(personal ?? '{}') as object));
    if (state === 'erased') for (const subject of new Set(subjects)) await keyring.destroy(subject);
  }, 60_000);
  afterAll(async () => {
    for (const kernel of kernels) await kernel.close();
    await keyringPool.end();
    await dropDatabases(config);
  });

  const all = () => [...logs.values()].flat();
  const decoded = () => new Codec(allEvents, keyring).decode(all());

  it('comes out as its newest version', async () => {
    for (const [index, { type, schemaVersion, data }] of (await decoded()).entries()) {
      const fixture = fixtures[index]!;
      const { definition } = fixture;
      expect([type, schemaVersion]).toEqual([fixture.type, definition.schemaVersion]);
      const marks = personalOf(versionsOf(definition)[fixture.version - 1]!);
      const gone = state === 'erased' ? [...marks.keys()].map((name) => [name, erased]) : [];
      expect(data).toEqual(upcast(fixture, { ...dataOf(fixture), ...Object.fromEntries(gone) }));
      // Whoever reads it expects `Erased` where the newest version has a mark, and nowhere else.
      const unmarked = Object.entries(data).filter(([name]) => !personalOf(definition.data).has(name));
      expect(unmarked.filter(([, value]) => isErased(value))).toEqual([]);
    }
  });

  it('is folded by its decider, first or after any other one of its stream', async () => {
    const known = await deciders();
    const events = Map.groupBy(await decoded(), ({ stream }) => stream.type);
    expect(known.map(({ category }) => category)).toEqual(expect.arrayContaining([...events.keys()]));
    for (const decider of known) {
      const history = (events.get(decider.category) ?? []).map(eventOf);
      for (const first of history) {
        const before = decider.evolve(decider.initial, first);
        for (const event of history) {
          const after = decider.evolve(before, event);
          decider.claims?.(after);
          decider.access?.(after);
          decider.fields?.(after);
        }
      }
    }
  });

  it('is what policies can react to', async () => {
    const files = sources(/\.policy\.ts$/).map((file) => file.replace(/^.*\/(.*)\.policy\.ts$/, '$1'));
    expect(Object.keys(policies).toSorted()).toEqual(files.toSorted());
    const events = await decoded();
    for (const [types, react] of Object.values(policies)) {
      const heard = events.filter(({ type }) => types.includes(type));
      expect(new Set(heard.map(({ type }) => type))).toEqual(new Set(types));
      for (const event of heard) expect(react(event)).toBeDefined();
    }
  });

  it('is folded into every view, and breaks none', async () => {
    const stop = new AbortController();
    const feeds = owners.map((service) => feedOf(service, logs.get(service) ?? []));
    const feedNamed = (name: string) => feeds.find(({ service }) => service === name)!;
    const running = kernels.map(({ views }) => views.run(feedNamed, views.names, stop.signal));
    for (const [index, kernel] of kernels.entries()) {
      const folds = definitionOf(modules[index]!).folds ?? [];
      for (const feed of feeds) {
        const views = folds.filter((fold) => fold.feed === feed.service).map(checkpointOf);
        expect(await passed(kernel.pool, views, feed.service, await feed.head(), 15_000)).toBe(true);
      }
      const { rows } = await kernel.pool.query('select view, key, error from broken_keys');
      expect(rows).toEqual([]);
    }
    stop.abort();
    await Promise.all(running);
    expect(lines).toEqual([]);
  });

  it('travels as the AsyncAPI document says', () => {
    const { components } = JSON.parse(readFileSync(join(root, 'docs/asyncapi.json'), 'utf8')) as AsyncApi;
    const { headers: common } = components.messageTraits['event']!;
    const ajv = new Ajv({ strict: false, validateFormats: false });
    for (const [service, log] of logs) {
      for (const event of log) {
        const { value, headers } = toMessage(service, event, event.position - 1);
        const message = components.messages[headers['ce_type'] ?? '']!;
        expect(Object.keys(common.properties)).toEqual(expect.arrayContaining(Object.keys(headers)));
        for (const [schema, content] of [
          [common, headers],
          [message.headers, headers],
          [message.payload, JSON.parse(value.toString())],
        ]) {
          const validate = ajv.compile(schema as object);
          validate(content);
          expect(validate.errors).toBeNull();
        }
      }
    }
  });
});

type Headers = { properties: object };
type AsyncApi = {
  components: {
    messages: Record<string, { headers: Headers; payload: object }>;
    messageTraits: Record<string, { headers: Headers }>;
  };
};

/** A log that ends where its events end. */
const feedOf = (service: ServiceName, events: readonly Stored[]): Feed => ({
  service,
  async *read(after, _, signal) {
    const generation = events[0]?.generation ?? '';
    yield { generation, events: events.filter(({ position }) => position > after) };
    if (!signal.aborted) await once(signal, 'abort');
  },
  head: () => Promise.resolve(events.length),
  behind: () => Promise.resolve({ head: events.length, since: undefined }),
});
