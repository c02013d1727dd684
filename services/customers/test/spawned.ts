import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { secretsFrom } from '@throughline/event-sourcing';
import { Tokens, type ServiceConfig } from '@throughline/service';
import { administrator, caller, testMasterKey } from '@throughline/service/testing';

export const token = async () =>
  (await new Tokens(secretsFrom(testMasterKey)).issue(administrator, 'internal', 300)).token;

/**
 * The service in a process of its own, on databases that are there.
 *
 * @param onSpawn hears of it before it answers, so that it is ended however it fares
 * @param flags Node's
 */
export async function spawned(
  { databaseUrl, databasePrefix }: ServiceConfig,
  role: ServiceConfig['role'],
  onSpawn: (kill: () => Promise<void>) => void,
  flags: readonly string[] = [],
) {
  const child = spawn(
    process.execPath,
    [
      ...flags,
      '--import',
      join(import.meta.dirname, '../../../tools/typescript.mjs'),
      join(import.meta.dirname, 'customers-process.ts'),
      databasePrefix,
      role,
    ],
    {
      env: {
        THROUGHLINE_TEST_DATABASE_URL: databaseUrl,
        ...(process.env['PATH'] && { PATH: process.env['PATH'] }),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const kill = () => killed(child);
  onSpawn(kill);
  const line = async () => String(((await once(child.stdout as Readable, 'data')) as [Buffer])[0]).trim();
  const url = await line();
  /** Bytes of memory that it took at most. */
  const peak = async () => {
    const said = line();
    child.stdin?.write('\n');
    return Number(await said) * 1024;
  };
  return { url, call: caller(url, token), kill, peak };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
