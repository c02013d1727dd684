import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '@throughline/service';
import { eventually } from '@throughline/service/testing';
import { parse } from 'yaml';
import { startCollector, type Collector } from './collector.ts';
import type { Instance } from './instance.ts';

const root = join(import.meta.dirname, '../../..');
const file = (path: string) => readFileSync(join(root, path), 'utf8');

const callersSpan = '00f067aa0ba902b7';
const traceparent = (traceId: string, flags = '01') => ({ traceparent: `00-${traceId}-${callersSpan}-${flags}` });

let people = 0;
/** Somebody new each time. */
const person = () => ({
  name: 'Wilhelmina Överström',
  emails: [{ value: `wilhelmina${(people += 1)}@overstrom.example` }],
  phones: [{ value: '+86 138 0013 8765' }],
});
/** In every way that one of them could be written. */
const personal = ['ilhelmina', 'verstr', 'verstrom.example', '138 0013 8765', '13800138765', '138%200013'];

export type Observable = {
  start: (environment: NodeJS.ProcessEnv) => Promise<Instance>;
  /** Whether the services are processes of their own, with a relay each. */
  apart: boolean;
};

/** What operators see of the CRM, on whatever it runs. */
export function telemetry({ start, apart }: Observable): void {
  jest.setTimeout(120_000);
  let collector: Collector;
  let crm: Instance;
  let metricsPorts: readonly number[];
  beforeAll(async () => {
    collector = await startCollector();
    const port = await freePort();
    crm = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, THROUGHLINE_METRICS_PORT: String(port) });
    metricsPorts = crm.services ? Object.values(crm.services.processes).map((one) => one.metricsPort) : [port];
  });
  afterAll(async () => {
    await crm?.stop();
    await collector?.stop();
  });

  const of = (traceId: string) => collector.spans().filter((span) => span.traceId === traceId);
  /** Each span of a trace with the one above it: `append deal < POST /api/deals`. */
  const edges = (traceId: string) => {
    const spans = of(traceId);
    const above = (id = '') => (id === callersSpan ? 'caller' : spans.find(({ spanId }) => spanId === id)?.name);
    return new Set(spans.map(({ name, parentSpanId }) => `${name} < ${above(parentSpanId)}`));
  };
  const traced = (traceId: string, expected: readonly string[]) =>
    eventually(
      async () => [...edges(traceId)],
      (found) => expected.every((edge) => found.includes(edge)),
      30_000,
    );

  it('shows one trace from a request to the view, through gateway, service, append, relay and policy', async () => {
    const [registering, archiving] = ['1'.repeat(32), '2'.repeat(32)];
    const made = await crm.call('POST', '/api/customers', person(), traceparent(registering));
    expect(made.status).toBe(201);
    expect(made.headers.get('x-trace-id')).toBe(registering);
    const value = { amount: '10.00', currency: 'EUR' };
    const { status } = await crm.call('POST', '/api/deals', { customerId: made.body.id, title: person().name, value });
    expect(status).toBe(201);
    await crm.call('POST', `/api/customers/${made.body.id}/archive`, undefined, traceparent(archiving));

    const sent = (service: string, append: string) => (apart ? [`send crm.${service}.v1 < append ${append}`] : []);
    await traced(registering, [
      'POST /api/* < caller',
      'POST /api/customers < POST /api/*',
      'append customer < POST /api/customers',
      ...sent('customers', 'customer'),
      'process CustomerCreated < append customer',
    ]);
    await traced(archiving, [
      'POST /api/* < caller',
      'POST /api/customers/:id/archive < POST /api/*',
      'append customer < POST /api/customers/:id/archive',
      ...sent('customers', 'customer'),
      'process CustomerArchived < append customer',
      'append deal < process CustomerArchived',
      ...sent('sales', 'deal'),
      'process DealLost < append deal',
    ]);
    const processes = new Set(of(archiving).map(({ process }) => process));
    const services = ['analytics', 'customers', 'gateway', 'sales'];
    expect([...processes].toSorted()).toEqual(apart ? services : ['throughline']);
  });

  it('links the batch that a view folded to the traces in it, and back', async () => {
    const traceId = '3'.repeat(32);
    await crm.call('POST', '/api/customers', person(), traceparent(traceId));
    const at = ({ traceId: trace, spanId }: { traceId: string; spanId: string }) => `${trace} ${spanId}`;
    const [appended, processed, batch] = await eventually(
      async () => {
        const append = of(traceId).find(({ name }) => name === 'append customer');
        const folded = of(traceId).find(({ name, links }) => name === 'process CustomerCreated' && links.length > 0);
        return [append, folded, collector.spans().find((span) => folded?.links.some((link) => at(link) === at(span)))];
      },
      (spans) => spans.every(Boolean),
      30_000,
    );
    expect(batch).toMatchObject({ name: 'fold customers', parentSpanId: undefined });
    expect(batch?.links.map(at)).toContain(at(appended!));
    expect(processed?.parentSpanId).toBe(appended?.spanId);
  });

  it('records nothing of a trace that its beginner does not record', async () => {
    const [unrecorded, recorded] = ['4'.repeat(32), '5'.repeat(32)];
    await crm.call('POST', '/api/customers', person(), traceparent(unrecorded, '00'));
    await crm.call('POST', '/api/customers', person(), traceparent(recorded));
    await traced(recorded, ['process CustomerCreated < append customer']);
    expect(of(unrecorded)).toEqual([]);
  });

  it('sends nothing personal, whatever is sent, asked for or refused', async () => {
    const traceId = '6'.repeat(32);
    const { name, ...rest } = person();
    const email = rest.emails.map(({ value }) => value).join();
    const mark = traceparent(traceId);
    await crm.call('GET', `/api/customers?q=${encodeURIComponent(name)}`, undefined, mark);
    await crm.call('GET', `/api/${encodeURIComponent(email)}`, undefined, mark);
    await crm.call('GET', `/api/customers/${encodeURIComponent(email)}`, undefined, mark);
    await crm.call('POST', '/api/customers', { ...rest, name, [email]: 1, emails: name }, mark);
    await crm.anonymous('POST', '/api/sessions', { email, password: name }, mark);
    await traced(traceId, ['GET /api/customers < GET /api/*', 'GET /api/* < caller', 'POST /api/sessions < caller']);
    const raw = collector.raw().toLowerCase();
    expect(personal.filter((word) => raw.includes(word.toLowerCase()))).toEqual([]);
  });

  describe('as metrics', () => {
    /** Of all processes, one after the other. */
    const scrape = async () => {
      const answers = metricsPorts.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
      return (await Promise.all(answers)).join('\n');
    };
    /** Names of everything that has a value. */
    const names = (text: string) => new Set([...text.matchAll(/^(\w+)(?:\{.*\})? \S+$/gm)].map(([, name]) => name!));
    const valueOf = (text: string, start: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(start))
          ?.split(' ')
          .at(-1),
      );
    const asked = (text: string) => [...new Set(text.match(/\bthroughline_\w+/g))];

    it('exports all that the dashboard shows and the alerts ask for', async () => {
      const made = await crm.call('POST', '/api/customers', person());
      const position = made.headers.get('x-position') ?? '';
      await crm.call('GET', '/api/customers', undefined, { 'x-after': position });
      const dashboard = JSON.parse(file('deploy/grafana/throughline.json')) as {
        panels: { targets?: { expr: string }[] }[];
      };
      const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
      const alerts = parse(file('deploy/prometheus/alerts.yaml')) as {
        groups: { rules: { alert: string; expr: string }[] }[];
      };
      const rules = alerts.groups.flatMap((group) => group.rules);
      expect(rules.every(({ alert, expr }) => alert && asked(expr).length > 0)).toBe(true);
      const wanted = [...asked(shown), ...asked(rules.map(({ expr }) => expr).join('\n'))];
      expect(wanted.length).toBeGreaterThan(15);
      const exported = names(await scrape());
      expect(wanted.filter((name) => !exported.has(name))).toEqual([]);
      const told = file('docs/operations.md');
      const families = [...exported].map((name) => name.replace(/_(bucket|sum|count)$/, ''));
      expect([...new Set(families)].filter((name) => !told.includes(name))).toEqual([]);
    });

    it('says for each service how far its log goes, who leads, and that nobody is behind', async () => {
      const caughtUp = await eventually(
        scrape,
        (text) =>
          valueOf(text, 'throughline_subscription_lag_events{service="analytics",subscription="view:dim_customer') ===
            0 && !/^throughline_subscription_lag_\w+\{.*\} (?!0$)/m.test(text),
        30_000,
      );
      for (const service of ['gateway', 'customers', 'interactions', 'sales', 'analytics']) {
        expect(valueOf(caughtUp, `throughline_leader{service="${service}"}`)).toBe(1);
        expect(valueOf(caughtUp, `throughline_database_up{service="${service}"}`)).toBe(1);
      }
      const head = valueOf(caughtUp, 'throughline_store_head_position{service="customers"}');
      expect(head).toBeGreaterThan(0);
      const relay = 'throughline_subscription_position{service="customers",subscription="relay",feed="customers"}';
      expect(valueOf(caughtUp, relay)).toBe(apart ? head : NaN);
    });

    it('has no label that tells of a person or a path', async () => {
      await crm.call('GET', `/api/customers/${encodeURIComponent(person().name)}`);
      const text = (await scrape()).toLowerCase();
      expect(personal.filter((word) => text.includes(word.toLowerCase()))).toEqual([]);
      expect(text).toContain('route="/api/customers/:id"');
      expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
    });
  });
}
