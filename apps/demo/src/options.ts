import { parseArgs } from 'node:util';
import { defaults } from './connections.ts';
import { Failure } from './sender.ts';

export const help = `npm run demo -- [options]

Sends a year of shop and ERP traffic to a running Throughline, and compares what it then says with what was sent.

  --url URL          the instance (THROUGHLINE_URL, http://localhost:3000)
  --api-key KEY      THROUGHLINE_ADMIN_API_KEY
  --email, --password  THROUGHLINE_ADMIN_EMAIL, THROUGHLINE_ADMIN_PASSWORD
  --seed N           another seed, another year (${defaults.seed})
  --orders N         over all systems (${defaults.orders})
  --until DATE       the end of the year that is told (${defaults.until})
  --shuffle N        deliver in another order
  --concurrency N    deliveries under way at once (4)
  --sap-port N       where the ERP system listens on this machine (3908)
  --sap-url URL      how the instance reaches it (http://127.0.0.1:<port>)
  --wait SECONDS     how long the instance may take to digest it (300, and more for many orders)
`;

const whole = (name: string, text: string | undefined, fallback: number, least: number): number => {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Failure(`--${name} must be a whole number, ${least} or more.`);
  return value;
};

export const options = () => {
  const text = { type: 'string' } as const;
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        url: text,
        'api-key': text,
        email: text,
        password: text,
        seed: text,
        orders: text,
        until: text,
        shuffle: text,
        concurrency: text,
        'sap-port': text,
        'sap-url': text,
        wait: text,
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : String(error)} See --help.`);
  }
  const { env } = process;
  const until = values.until ?? defaults.until;
  if (Number.isNaN(Date.parse(until)))
    throw new Failure('--until must be a date, such as 2026-11-01 or 2026-11-01T00:00:00+08:00.');
  if (Date.parse(until) > Date.now()) throw new Failure('--until lies in the future: nothing has happened there yet.');
  return {
    help: values.help ?? false,
    url: values.url ?? env['THROUGHLINE_URL'] ?? 'http://localhost:3000',
    signIn: {
      apiKey: values['api-key'] ?? (values.email ? undefined : env['THROUGHLINE_ADMIN_API_KEY']),
      email: values.email ?? env['THROUGHLINE_ADMIN_EMAIL'],
      password: values.password ?? env['THROUGHLINE_ADMIN_PASSWORD'],
    },
    traffic: {
      seed: whole('seed', values.seed, defaults.seed, 0),
      orders: whole('orders', values.orders, defaults.orders, 1),
      until,
    },
    shuffle: values.shuffle === undefined ? undefined : whole('shuffle', values.shuffle, 0, 0),
    concurrency: whole('concurrency', values.concurrency, 4, 1),
    sapPort: whole('sap-port', values['sap-port'], 3908, 0),
    sapUrl: values['sap-url'],
    wait: values.wait === undefined ? undefined : whole('wait', values.wait, 0, 0),
  };
};
