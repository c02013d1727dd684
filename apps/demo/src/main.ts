import { setTimeout as sleep } from 'node:timers/promises';
import { startSapSystem, type SapSystem } from '../../../services/gateway/test/sap-system.ts';
import { dateOf, monthOf } from './calendar.ts';
import type { Delivery } from './delivery.ts';
import { Instance, matches, months, since, type Figures } from './instance.ts';
import { decimal } from './money.ts';
import { shuffled } from './network.ts';
import { help, options } from './options.ts';
import { progressBar } from './progress.ts';
import { Failure, handshake, send, type Refused } from './sender.ts';
import { traffic, type Traffic } from './traffic.ts';

const say = (text = ''): void => void process.stdout.write(`${text}\n`);

/** The ERP system, which goes forward only: a late message does not make its records old again. */
const erp = async (port: number, { connections }: Traffic) => {
  const readBack = connections.find((connection) => connection.readBack)?.readBack;
  if (!readBack) throw new Error('No connection with a read-back');
  let system: SapSystem;
  try {
    system = await startSapSystem({ ...readBack, port });
  } catch (error) {
    throw new Failure(
      `The ERP system cannot listen on port ${port} (${error instanceof Error ? error.message : String(error)}). Say --sap-port.`,
    );
  }
  const shown = new Map<string, number>();
  return {
    url: system.url,
    stop: () => system.stop(),
    show({ shows }: Delivery): void {
      if (!shows) return;
      const { entity, key, object, version } = shows;
      if ((shown.get(`${entity} ${key}`) ?? -1) >= version) return;
      shown.set(`${entity} ${key}`, version);
      if (entity === 'A_BusinessPartner') system.putBusinessPartner({ ...object, BusinessPartner: key });
      else system.putSalesOrder({ ...object, SalesOrder: key });
    },
  };
};

/** Until what the instance says is what was sent, or no longer changes, or time is up. */
const digested = async (
  instance: Instance,
  { expected, from, until }: Traffic,
  before: Figures | undefined,
  limit: number,
): Promise<Figures | undefined> => {
  const period = [`${monthOf(from)}-01`, dateOf(until)] as const;
  const patience = 45_000;
  const end = Date.now() + limit * 1000;
  let [last, changedAt, actual] = ['', Date.now(), undefined as Figures | undefined];
  process.stderr.write('Waiting until everything is taken in …\n');
  for (;;) {
    const now = await instance.figures(...period);
    actual = now && since(before, now);
    if (actual && matches(expected, actual)) return actual;
    const shown = actual ? `${actual.customers} ${[...actual.revenueByMonth].join()}` : '';
    if (shown !== last) [last, changedAt] = [shown, Date.now()];
    if (Date.now() > end || Date.now() - changedAt > patience) return actual;
    await sleep(1000);
  }
};

const grouped = (amount: bigint): string => decimal(amount).replace(/\B(?=(\d{3})+(?=\.))/g, ',');

const compared = ({ expected }: Traffic, actual: Figures | undefined): void => {
  const row = (label: string, sent: string, seen: string): void =>
    say(`  ${label.padEnd(10)}${sent.padStart(18)}${seen.padStart(18)}  ${sent === seen ? '✓' : '✗'}`);
  say();
  say(`  ${''.padEnd(10)}${'sent'.padStart(18)}${'Throughline'.padStart(18)}`);
  for (const month of months(expected.revenueByMonth, actual?.revenueByMonth ?? new Map()))
    row(
      month,
      grouped(expected.revenueByMonth.get(month) ?? 0n),
      actual ? grouped(actual.revenueByMonth.get(month) ?? 0n) : '-',
    );
  row('CNY', grouped(expected.total), actual ? grouped(actual.total) : '-');
  row('customers', String(expected.customers), actual ? String(actual.customers) : '-');
};

const lookAt = async (instance: Instance, { orders }: Traffic): Promise<void> => {
  const best = await instance.bestCustomer();
  const zhangSan = orders
    .map(({ buyer }) => buyer.profiles.at(-1)?.person)
    .find((person) => person?.familyName === '张' && person.givenName === '三');
  const lines: [string, string][] = [
    ['by pinyin, half a name', '/api/customers?q=zhangs'],
    ['陈美玲, however she is written', `/api/customers?q=${encodeURIComponent('陈美玲')}`],
    ...(zhangSan
      ? [['张三, by the end of his phone number', `/api/customers?q=${zhangSan.phone.slice(-4)}`] as [string, string]]
      : []),
    ...(best
      ? [
          [`everything about ${best.name || 'the best customer'}`, `/api/customers/${best.id}/timeline`] as [
            string,
            string,
          ],
        ]
      : []),
    ['the best customers', '/api/reports/top-customers'],
    ['revenue by month', '/api/reports/revenue-by-month'],
    ['what came in, and what did not go through', '/api/connections'],
    ['the whole API', '/api/docs'],
  ];
  say('\nWhat to look at:');
  for (const [what, path] of lines) say(`  ${what}\n    ${instance.url}${path}`);
  say(
    '  with a BI tool: the bi_reader connection string that the start of Throughline printed\n    select * from bi.data_dictionary; select * from bi.meta_refresh;',
  );
  say('\nThe secrets of these connections follow from the seed: archive them where they are not meant to stay.');
};

const complaints = (refused: readonly Refused[]): void => {
  if (refused.length === 0) return;
  say(`\n${refused.length} deliveries were refused; the first ones:`);
  for (const { delivery, status, text } of refused.slice(0, 5)) {
    const what = delivery.headers['x-shopify-topic'] ?? delivery.headers['x-wc-webhook-topic'] ?? '';
    say(`  ${delivery.connection} ${what}: ${status} ${text.slice(0, 200)}`);
  }
};

const run = async (): Promise<number> => {
  const chosen = options();
  if (chosen.help) {
    say(help);
    return 0;
  }
  const instance = await Instance.at(chosen.url, chosen.signIn);
  const year = traffic(chosen.traffic);
  const { expected } = year;
  const deliveries = chosen.shuffle === undefined ? year.deliveries : shuffled(year.deliveries, chosen.shuffle);
  const system = await erp(chosen.sapPort, year);
  try {
    await instance.configure({ timeZone: 'Asia/Shanghai', baseCurrency: 'CNY' });
    const { connections, made } = await instance.connect(year.connections, chosen.sapUrl ?? system.url);
    const fresh = made === connections.length;
    // On top of what is there already; after a run that was broken off nobody knows what was there before.
    const before = fresh ? await instance.figures(`${monthOf(year.from)}-01`, dateOf(year.until)) : undefined;
    if (!fresh) for (const delivery of deliveries) system.show(delivery);
    say(`${instance.url}: ${made} connections made, ${connections.length - made} used again.`);
    say(
      `${dateOf(year.from)} to ${dateOf(year.until - 1000)}: ${expected.customers} customers, ${expected.orders} orders ` +
        `(${expected.cancelled} cancelled), ${expected.refunds} refunds in ${deliveries.length} deliveries.`,
    );
    for (const connection of connections) await handshake(connection);
    const bar = progressBar('Sending', deliveries.length);
    let done = 0;
    const refused = await send({
      connections: new Map(connections.map((connection) => [connection.key, connection])),
      deliveries,
      concurrency: chosen.concurrency,
      before: (delivery) => system.show(delivery),
      onSent: (sent) => bar.at((done = sent)),
      onWait: (why) => bar.waits(why, done),
    });
    // The ERP system is read a few times a second, not faster.
    const reads = deliveries.filter((delivery) => delivery.shows).length;
    const actual = await digested(instance, year, before, chosen.wait ?? 300 + reads / 2);
    compared(year, actual);
    complaints(refused);
    await lookAt(instance, year);
    if (!actual) say('\n✗ The reports did not answer.');
    const right = actual !== undefined && matches(expected, actual) && refused.length === 0;
    say(right ? '\n✓ To the cent.' : '\n✗ Not what was sent.');
    return right ? 0 : 1;
  } finally {
    await system.stop();
  }
};

try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
