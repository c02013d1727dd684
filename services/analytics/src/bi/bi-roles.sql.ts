import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Queryable, SubscriptionLog } from '@throughline/event-sourcing';
import type { ServiceConfig } from '@throughline/service';
import pg from 'pg';
import { publishedViews } from './bi-views.sql.ts';

/**
 * Roles belong to the whole server, so they carry the installation's prefix as its databases do. `reader` signs in with
 * the configured password; `personal` is for people to be put in (`grant bi_reader_pii to anna`) who may see who is who.
 */
export const biRoles = ({ databasePrefix }: Pick<ServiceConfig, 'databasePrefix'>) => ({
  reader: `${databasePrefix}bi_reader`,
  personal: `${databasePrefix}bi_reader_pii`,
});

const views = (chosen: typeof publishedViews) => chosen.map(({ name }) => `bi.${name}`).join(', ');

/**
 * Makes the two roles, sets the reader's password and what each may see. The caller holds a lock, so that processes of one
 * installation do it one after the other. Where the service's own user may not make roles, an operator does; the grants
 * are ours.
 */
export async function grantReaders(
  client: Queryable,
  config: ServiceConfig,
  password: string,
  log: SubscriptionLog,
): Promise<void> {
  const { reader, personal } = biRoles(config);
  const settings = (role: string) => [
    `alter role "${role}" set statement_timeout = '60s'`,
    `alter role "${role}" set default_transaction_read_only = on`,
  ];
  await attempt(client, log, [
    await createdUnlessThere(client, reader),
    await createdUnlessThere(client, personal),
    `alter role "${reader}" login password ${pg.escapeLiteral(scramVerifier(password))}`,
    `alter role "${personal}" nologin`,
    ...settings(reader),
    ...settings(personal),
  ]);
  const { rows } = await client.query<{ rolname: string }>('select rolname from pg_roles where rolname in ($1, $2)', [
    reader,
    personal,
  ]);
  const database = `${config.databasePrefix}analytics`;
  for (const { rolname } of rows) {
    const seen = rolname === personal ? publishedViews : publishedViews.filter((view) => !view.personal);
    await client.query(`revoke all on all tables in schema bi from "${rolname}"`);
    await client.query(`grant connect on database ${pg.escapeIdentifier(database)} to "${rolname}"`);
    await client.query(`grant usage on schema bi to "${rolname}"`);
    await client.query(`grant select on ${views(seen)} to "${rolname}"`);
  }
}

async function createdUnlessThere(client: Queryable, role: string): Promise<string> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  return rowCount === 0 ? `create role "${role}"` : '';
}

/** Where the user lacks the right, or another installation was quicker, what was there before stands. */
async function attempt(client: Queryable, log: SubscriptionLog, statements: readonly string[]): Promise<void> {
  await client.query('savepoint roles');
  try {
    await client.query(statements.filter(Boolean).join(';\n'));
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    await client.query('rollback to savepoint roles');
    if (!['42501', '42710', '23505'].includes(code)) throw error;
    log.warn('the BI roles could not be set up', { code });
  }
}

/** What Postgres stores of a password (SCRAM-SHA-256, RFC 5803), so that the password itself shows up in no log of it. */
function scramVerifier(password: string, salt = randomBytes(16), iterations = 4096): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
