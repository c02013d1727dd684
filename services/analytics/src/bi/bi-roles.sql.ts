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

/** What a reader's query may take; a session can lift it, the watchdog sees to it then. */
export const longestQuerySeconds = 60;

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
    `alter role "${role}" set statement_timeout = '${longestQuerySeconds}s'`,
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
  await forbidLocks(client, rows, log);
  const database = `${config.databasePrefix}analytics`;
  for (const { rolname } of rows) {
    const seen = rolname === personal ? publishedViews : publishedViews.filter((view) => !view.personal);
    await client.query(`revoke all on all tables in schema bi from "${rolname}"`);
    await client.query(`grant connect on database ${pg.escapeIdentifier(database)} to "${rolname}"`);
    await client.query(`grant usage on schema bi to "${rolname}"`);
    await client.query(`grant select on ${views(seen)} to "${rolname}"`);
  }
}

/** Advisory locks are the leaders' and the migrations'; large objects would be written past `select` only. */
const forbidden = '^(pg_(try_)?advisory_|lo_(creat|create|from_bytea)$)';

/** Everybody may call these functions in every new database, and only a superuser can take that back. */
async function forbidLocks(client: Queryable, roles: readonly { rolname: string }[], log: SubscriptionLog) {
  const { rows } = await client.query<{ name: string; mine: boolean }>(
    `select p.oid::regprocedure::text as name, (select rolsuper from pg_roles where rolname = current_user) as mine
     from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ $1
       and exists (select from unnest($2::text[]) role where has_function_privilege(role, p.oid, 'execute'))`,
    [forbidden, roles.map(({ rolname }) => rolname)],
  );
  if (rows.length === 0) return;
  if (!rows[0]?.mine) return log.warn('BI readers may take advisory locks: only a superuser can forbid it');
  const names = rows.map(({ name }) => name).join(', ');
  await client.query(
    `grant execute on function ${names} to current_user; revoke execute on function ${names} from public`,
  );
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
