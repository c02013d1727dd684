import type { Connection } from './sender.ts';
import { Failure, patiently } from './sender.ts';
import type { ConnectionPlan, Expected } from './delivery.ts';
import { cents, type Cents } from './money.ts';

export type SignIn = { apiKey?: string | undefined; email?: string | undefined; password?: string | undefined };

type Json = { [key: string]: unknown };
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

export type Figures = { customers: number; revenueByMonth: ReadonlyMap<string, Cents>; total: Cents };

/** A running Throughline, seen from outside. */
export class Instance {
  private token: string;

  private constructor(
    readonly url: string,
    private readonly signIn: SignIn,
  ) {
    this.token = signIn.apiKey ?? '';
  }

  /** @throws Failure with one line when nobody answers or the sign-in is not taken */
  static async at(url: string, signIn: SignIn): Promise<Instance> {
    if (!URL.canParse(url) || !/^https?:/.test(url)) throw new Failure(`Not an http address: ${url}`);
    const instance = new Instance(new URL(url).href.replace(/\/$/, ''), signIn);
    await instance.mustAnswer();
    if (!signIn.apiKey) await instance.openSession();
    const { status } = await instance.ask('GET', '/api/connections?limit=1');
    if (status !== 200)
      throw new Failure(`${instance.url} does not take the ${signIn.apiKey ? 'API key' : 'session'} (${status}).`);
    return instance;
  }

  private async mustAnswer(): Promise<void> {
    try {
      await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(10_000) });
    } catch {
      throw new Failure(`Nothing answers at ${this.url}. Start it with "npm start", or say --url.`);
    }
  }

  private async openSession(): Promise<void> {
    const { email, password } = this.signIn;
    if (!email || !password)
      throw new Failure(
        'No sign-in: set THROUGHLINE_ADMIN_API_KEY, or THROUGHLINE_ADMIN_EMAIL and THROUGHLINE_ADMIN_PASSWORD, or use --api-key, or --email and --password.',
      );
    this.token = '';
    const { status, body } = await this.once('POST', '/api/sessions', { email, password });
    const token = isObject(body) ? textOf(body['token']) : undefined;
    if (!token) throw new Failure(`${this.url} does not take the sign-in of ${email} (${status}).`);
    this.token = token;
  }

  private async ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await this.once(method, path, body);
    if (answer.status !== 401 || this.signIn.apiKey) return answer;
    // Sessions are short; a demo with many orders is not.
    await this.openSession();
    return this.once(method, path, body);
  }

  private async once(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const headers = {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const answer = await patiently(`${this.url}${path}`, init, { patience: 1 });
    let parsed: unknown;
    try {
      parsed = JSON.parse(answer.text);
    } catch {
      parsed = undefined;
    }
    return { status: answer.status, body: parsed };
  }

  /** Gives an organisation that has none yet the time zone and the base currency of the traffic. */
  async configure(settings: { timeZone: string; baseCurrency: string }): Promise<void> {
    const { body } = await this.ask('GET', '/api/settings');
    if (isObject(body) && body['baseCurrency'] === undefined) await this.ask('PATCH', '/api/settings', settings);
  }

  private async connectionsByName(): Promise<Map<string, Json>> {
    const found = new Map<string, Json>();
    let cursor: string | undefined;
    do {
      const { status, body } = await this.ask(
        'GET',
        `/api/connections?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      );
      if (status !== 200 || !isObject(body)) throw new Failure(`${this.url}/api/connections answered ${status}.`);
      for (const item of Array.isArray(body['items']) ? body['items'] : []) {
        const name = isObject(item) ? textOf(item['name']) : undefined;
        if (isObject(item) && name) found.set(name, item);
      }
      cursor = textOf(body['nextCursor']);
    } while (cursor);
    return found;
  }

  /**
   * Makes the connections, or finds those that an earlier run made.
   *
   * @param readBackUrl where the ERP system answers
   */
  async connect(
    plans: readonly ConnectionPlan[],
    readBackUrl: string,
  ): Promise<{ connections: Connection[]; made: number }> {
    const existing = await this.connectionsByName();
    let made = 0;
    const connections: Connection[] = [];
    for (const plan of plans) {
      const readBack = plan.readBack && { url: readBackUrl, ...plan.readBack };
      let held = existing.get(plan.name);
      const id = held && textOf(held['id']);
      if (id && readBack) {
        const { status } = await this.ask('PATCH', `/api/connections/${id}`, { readBack });
        if (status >= 400)
          throw new Failure(
            `${plan.name}: PATCH /api/connections/${id} answered ${status}; the ERP system has moved to ${readBackUrl}.`,
          );
      }
      if (!held) {
        const { name, kind, secret, token, mapping } = plan;
        const wanted = {
          name,
          kind,
          ...(secret ? { secret } : {}),
          ...(token ? { auth: { type: 'bearer', token } } : {}),
          ...(mapping ? { mapping } : {}),
          ...(readBack ? { readBack } : {}),
        };
        const { status, body } = await this.ask('POST', '/api/connections', wanted);
        if (status !== 201 || !isObject(body))
          throw new Failure(`${name}: POST /api/connections answered ${status} ${JSON.stringify(body)?.slice(0, 400)}`);
        held = body;
        made++;
      }
      const path = textOf(held['hookUrl']) ?? `/hooks/${textOf(held['id']) ?? ''}`;
      // The public address may be a proxy that this machine does not see: the path is what counts.
      connections.push({ ...plan, hookUrl: this.url + new URL(path, this.url).pathname });
    }
    return { connections, made };
  }

  /** What the instance says by now, `undefined` while the report does not answer. */
  async figures(from: string, to: string): Promise<Figures | undefined> {
    const answers = await Promise.all([
      this.ask('GET', `/api/reports/revenue-by-month?from=${from}&to=${to}`),
      this.ask('GET', '/api/customers?limit=1'),
    ]).catch((error: unknown) => {
      if (error instanceof Failure) return undefined;
      throw error;
    });
    if (!answers) return undefined;
    const [report, list] = answers;
    if (report.status !== 200 || list.status !== 200) return undefined;
    const revenueByMonth = readRevenue(report.body);
    const count = isObject(list.body) ? list.body['total'] : undefined;
    const customers = Number(isObject(count) ? count['value'] : count);
    return { customers, revenueByMonth, total: [...revenueByMonth.values()].reduce((sum, amount) => sum + amount, 0n) };
  }

  /** The customer with the most revenue. */
  async bestCustomer(): Promise<{ id: string; name: string } | undefined> {
    const { status, body } = await this.ask('GET', '/api/reports/top-customers?limit=1');
    const [row] = status === 200 ? rowsOf(body) : [];
    if (!row) return undefined;
    const id = textOf(row['customerId'] ?? row['customer_id'] ?? row['id']);
    return id ? { id, name: textOf(row['name'] ?? row['customerName'] ?? row['customer']) ?? '' } : undefined;
  }
}

/** `{columns, rows}` as objects, whether rows are objects or arrays in the order of the columns. */
const rowsOf = (report: unknown): Json[] => {
  if (!isObject(report) || !Array.isArray(report['rows'])) return [];
  const columns = Array.isArray(report['columns']) ? report['columns'] : [];
  const names = columns.map((column) => textOf(isObject(column) ? (column['name'] ?? column['key']) : column) ?? '');
  return report['rows'].flatMap((row: unknown): Json[] => {
    if (Array.isArray(row))
      return [Object.fromEntries(row.map((value, index) => [names[index] ?? String(index), value]))];
    return isObject(row) ? [row] : [];
  });
};

/** The one place that knows what the report's columns are called. */
export const readRevenue = (report: unknown): Map<string, Cents> => {
  const months = new Map<string, Cents>();
  for (const row of rowsOf(report)) {
    const month = textOf(row['month'])?.slice(0, 7);
    const held = row['revenue'];
    const amount = textOf(isObject(held) ? held['amount'] : held);
    if (month && amount !== undefined) months.set(month, (months.get(month) ?? 0n) + cents(amount));
  }
  return months;
};

const without = (a: Cents | undefined, b: Cents | undefined): Cents => (a ?? 0n) - (b ?? 0n);

/** What came on top of `before`: an instance may have held other people's data already. */
export const since = (before: Figures | undefined, now: Figures): Figures => {
  const months = new Set([...now.revenueByMonth.keys(), ...(before?.revenueByMonth.keys() ?? [])]);
  return {
    customers: now.customers - (before?.customers ?? 0),
    revenueByMonth: new Map(
      [...months].map((month) => [month, without(now.revenueByMonth.get(month), before?.revenueByMonth.get(month))]),
    ),
    total: without(now.total, before?.total),
  };
};

export const months = (...all: ReadonlyMap<string, Cents>[]): string[] =>
  [...new Set(all.flatMap((map) => [...map.keys()]))].toSorted();

export const matches = (expected: Expected, actual: Figures): boolean =>
  actual.customers === expected.customers &&
  months(expected.revenueByMonth, actual.revenueByMonth).every(
    (month) => (expected.revenueByMonth.get(month) ?? 0n) === (actual.revenueByMonth.get(month) ?? 0n),
  );
