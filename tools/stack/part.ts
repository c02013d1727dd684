import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { connect } from 'node:net';
import { spawnGuarded, type User } from '../../libs/service/src/embedded-postgres.ts';

/** One server of the stack. It starts again on the same port, with the same data. */
export type Part = {
  readonly pid: number | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** As `kill -9`. */
  kill(): Promise<void>;
};

export type Server = {
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd: string;
  user?: User;
  logFile: string;
  port: number;
  /** Throws until the server can be used. */
  ready: () => Promise<unknown>;
};

export function part(server: Server): Part {
  let current: { pid: number; exited: Promise<unknown>; expected: boolean } | undefined;

  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const running = current;
    if (!running) return;
    running.expected = true;
    const send = (name: NodeJS.Signals) => {
      try {
        process.kill(-running.pid, name);
      } catch {
        // the group has ended
      }
    };
    send(signal);
    const hurry = setTimeout(() => send('SIGKILL'), 20_000);
    await running.exited;
    // Elasticsearch is a launcher with the server below it: when the port is closed both have gone.
    while (await isOpen(server.port)) await pause(20);
    clearTimeout(hurry);
    current = undefined;
  };

  return {
    get pid() {
      return current?.pid;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async start() {
      if (current) return;
      const log = createWriteStream(server.logFile, { flags: 'a' });
      const last: string[] = [];
      const { command, args, env, cwd, user } = server;
      const child = spawnGuarded(command, args, {
        cwd,
        ...(env && { env }),
        ...(user && { user }),
        onLine: (line) => {
          if (last.push(line) > 5) last.shift();
          if (log.writable) log.write(line + '\n');
        },
      });
      await once(child, 'spawn');
      let gone = false;
      const running = { pid: child.pid!, exited: once(child, 'close').finally(() => log.end()), expected: false };
      current = running;
      child.once('exit', (code, signal) => {
        gone = true;
        if (current === running) current = running.expected ? current : undefined;
        if (!running.expected)
          console.error(`${server.name} ended by itself (${code ?? signal}), see ${server.logFile}`);
      });
      try {
        await until(server.ready, () => (gone ? `it ended, saying: ${last.join(' | ')}` : undefined));
      } catch (error) {
        await end('SIGKILL');
        throw new Error(`${server.name} did not start: ${(error as Error).message} (see ${server.logFile})`);
      }
    },
  };
}

/** A busy machine takes minutes for what a quiet one does in seconds. */
const longestStart = 300_000;

async function until(ready: () => Promise<unknown>, hopeless: () => string | undefined) {
  for (const deadline = Date.now() + longestStart; ; await pause(100)) {
    const why = hopeless();
    if (why) throw new Error(why);
    try {
      return await ready();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

const isOpen = (port: number) =>
  new Promise<boolean>((done) => {
    const socket = connect(port, '127.0.0.1', () => (socket.destroy(), done(true)));
    socket.once('error', () => done(false));
  });

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
