import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP proxy that can do to connections what networks do. */
export type Proxy = {
  port: number;
  /** Ends every connection. */
  cut: () => void;
  /** Lets nothing through for so long, and tells nobody. */
  stall: (milliseconds: number) => Promise<void>;
  /** Holds up every chunk, one after the other, for so long. */
  slow: (delay: number, milliseconds: number) => Promise<void>;
  close: () => Promise<void>;
};

/** @param ports on 127.0.0.1, asked anew at every connection; the first that answers is taken */
export async function startProxy(ports: () => readonly number[]): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let stalled: Promise<void> = Promise.resolve();
  let delay = 0;
  const held = async function* (source: AsyncIterable<Buffer>) {
    for await (const chunk of source) {
      await stalled;
      if (delay > 0) await sleep(delay);
      yield chunk;
    }
  };
  const join = async (inside: Socket) => {
    const outside = await firstOf(ports());
    if (!outside) return void inside.destroy();
    sockets.add(outside);
    // Whatever ends one direction ends both, as a lost connection does.
    const ended = Promise.all([pipeline(inside, held, outside), pipeline(outside, held, inside)]);
    await ended.catch(() => undefined);
    for (const socket of [inside, outside]) {
      socket.destroy();
      sockets.delete(socket);
    }
  };
  const server = createServer((inside) => {
    inside.on('error', () => undefined);
    sockets.add(inside);
    void join(inside);
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stall: (milliseconds) => (stalled = sleep(milliseconds)),
    slow: async (wanted, milliseconds) => {
      delay = wanted;
      await sleep(milliseconds);
      delay = 0;
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

async function firstOf(ports: readonly number[]): Promise<Socket | undefined> {
  for (const port of ports) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.on('error', () => undefined);
      return socket;
    } catch {
      socket.destroy();
    }
  }
  return undefined;
}
