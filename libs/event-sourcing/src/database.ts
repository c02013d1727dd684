import pg from 'pg';

/** A pool, a client or a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;
export type Pool = pg.Pool;

const { builtins } = pg.types;
const keepText = (text: string) => text;
const parseInstant = pg.types.getTypeParser(builtins.TIMESTAMPTZ) as (text: string) => Date;
/** As a session in UTC writes it; read so, ten times as fast as by way of a `Date`. */
const utc = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/;
const instant = (text: string): string => {
  const match = utc.exec(text);
  if (match) return `${match[1]}T${match[2]}.${(match[3] ?? '').padEnd(3, '0').slice(0, 3)}Z`;
  const parsed: unknown = parseInstant(text);
  return parsed instanceof Date ? parsed.toISOString() : text;
};

/** Array types, which `builtins` does not name. */
const lists = { text: 1009, int8: 1016, timestamp: 1115, date: 1182, timestamptz: 1185, numeric: 1231 };
const listOfTexts = pg.types.getTypeParser(lists.text as never) as (text: string) => (string | null)[];
const list = (parse: (text: string) => unknown) => (text: string) =>
  listOfTexts(text).map((item) => (item === null ? null : parse(item)));

const parsers = new Map<number, (text: string) => unknown>([
  [builtins.TIMESTAMPTZ, instant],
  [builtins.TIMESTAMP, keepText],
  [builtins.DATE, keepText],
  [builtins.NUMERIC, keepText],
  [builtins.INT8, Number],
  [lists.timestamptz, list(instant)],
  [lists.timestamp, listOfTexts],
  [lists.date, listOfTexts],
  [lists.numeric, listOfTexts],
  [lists.int8, list(Number)],
]);

/**
 * Reads instants as RFC 3339 text, dates, local times and decimals as text, and big integers as numbers (positions stay
 * far below 2^53); lists of them likewise.
 */
export const plainTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    parsers.get(oid) ?? pg.types.getTypeParser(oid, format as 'text')) as pg.CustomTypesConfig['getTypeParser'],
};

/** A client of its own for `work`. That its connection is lost between two queries is told by the next query. */
export async function withClient<T>(
  pool: Pool,
  work: (client: pg.PoolClient, discard: (reason: Error) => void) => Promise<T>,
): Promise<T> {
  let broken: Error | undefined;
  const discard = (reason: Error) => void (broken = reason);
  const client = await connected(pool, discard);
  try {
    return await work(client, discard);
  } finally {
    client.off('error', discard);
    client.release(broken);
  }
}

/**
 * Without a listener a lost connection would end the process. It may be told of in the same breath as the end of the query
 * before, so the listener cannot wait for a promise.
 */
const connected = (pool: Pool, lost: (reason: Error) => void): Promise<pg.PoolClient> =>
  new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (!client) return reject(error ?? new Error('there is no connection'));
      client.on('error', lost);
      resolve(client);
    });
  });

/** Runs `work` in one transaction; a throw rolls back and is passed on. */
export async function transaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return withClient(pool, async (client, discard) => {
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(discard);
      throw error;
    }
  });
}

const transientCodes = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN too-busy'.split(
    ' ',
  ),
);
const transientStates = /^(08|40|53|55P03|57P|25P03)/;
const transientMessages =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout/;

/**
 * True for what goes away by itself: a lost connection, a server starting or stopping, a deadlock or a lock that could not
 * be had, too many connections, a race lost too often.
 */
export function isTransient(error: unknown): boolean {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && (transientCodes.has(code) || transientStates.test(code))) return true;
  return typeof message === 'string' && transientMessages.test(message);
}

/**
 * What may stand in a log about an error. The database's messages quote values, which may be personal: of those only the
 * code; of all others the message; and the frames of the stack without either.
 */
export function errorForLog(error: unknown): { error: string; stack?: string } {
  const { name = 'Error', message = '', code, stack } = Object(error) as Partial<Error & { code: string }>;
  const frames = stack
    ?.split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
  const isDatabase = code !== undefined && /^[0-9A-Z]{5}$/.test(code);
  return { error: isDatabase ? `database error ${code}` : `${name}: ${message}`, ...(frames && { stack: frames }) };
}
