import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A proxy before Postgres that can lose an answer, or fall silent, as networks do. */
export async function proxyTo(url: string) {
  const target = new URL(url);
  let marker: string | undefined;
  let silent = false;
  const sockets = new Set<Socket>();
  const server = createServer((inside) => {
    const outside = connect(Number(target.port), target.hostname);
    let dropping = false;
    sockets.add(inside).add(outside);
    inside.on('data', (data: Buffer) => {
      // A Bind message names the prepared statement between two zero bytes.
      if (marker && data.includes(`\0${marker}\0`)) dropping = true;
      if (!silent) outside.write(data);
    });
    outside.on('data', (data: Buffer) => {
      if (silent) return;
      if (!dropping) return void inside.write(data);
      marker = undefined;
      inside.destroy();
    });
    for (const [socket, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    /** Swallows the answer to the next run of a prepared statement, and closes that connection instead. */
    dropAnswersTo: (statement: string) => void (marker = statement),
    /** From now on nothing goes through, and nobody is told. */
    fallSilent: () => void (silent = true),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
