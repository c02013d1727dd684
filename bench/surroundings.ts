import { open, statfs, unlink } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { median } from './harness.ts';
import type { Servers } from './servers.ts';

/** What one side left to be written is not to be written on the other's time. */
export async function settle({ databaseUrl }: Servers): Promise<void> {
  if (databaseUrl) await ask(databaseUrl, 'checkpoint');
}

/** What the numbers hang on besides the code. */
export async function surroundingsOf({ databaseUrl, kafkaBrokers, searchUrl, folder }: Servers): Promise<string> {
  const [flush, { type }] = [await flushMilliseconds(folder), await statfs(folder)];
  const memory = type === 0x01021994 ? ', in memory: fsync costs nothing here; set TMPDIR to a folder on a disk' : '';
  const parts = [
    `Node ${process.versions.node}`,
    `${cpus().length} CPUs (${cpus()[0]?.model.trim() ?? 'unknown'})`,
    `a write of 8 kB is on the disk after ${flush.toFixed(2)} ms${memory}`,
  ];
  if (databaseUrl) {
    const version = await ask(databaseUrl, 'show server_version');
    parts.push(`Postgres ${version.split(' ')[0]}, fsync ${await ask(databaseUrl, 'show fsync')}`);
  }
  if (kafkaBrokers) parts.push('Kafka');
  if (searchUrl) parts.push('Elasticsearch');
  return parts.join('; ');
}

async function flushMilliseconds(folder: string): Promise<number> {
  const path = join(folder, 'flush');
  const file = await open(path, 'w');
  const times: number[] = [];
  for (let round = 0; round < 50; round += 1) {
    const start = performance.now();
    await file.write(Buffer.alloc(8_192, round), 0, 8_192, 0);
    await file.datasync();
    times.push(performance.now() - start);
  }
  await file.close();
  await unlink(path);
  return median(times);
}

async function ask(databaseUrl: string, text: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<string[]>({ text, rowMode: 'array' });
    return rows[0]?.[0] ?? '';
  } finally {
    await client.end();
  }
}
