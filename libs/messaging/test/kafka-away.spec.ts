import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Away, kafkaClients, openKafka, type KafkaClient, type KafkaOptions } from '../src/index.ts';
import { until } from './fixture.ts';

const topic = 'words';
const message = { key: 'k', value: Buffer.from('v'), headers: {} };
const sasl = { mechanism: 'plain', username: 'user', password: 'a password' } as const;

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server?.close();
  await (server && once(server, 'close'));
  server = undefined;
});

/** Something that listens where a broker should, and does with a connection what it is told. */
async function listening(answer: (socket: Socket, request: Buffer, count: number) => void): Promise<string> {
  const started = createServer({ allowHalfOpen: true }, (socket) => {
    let count = 0;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (request) => answer(socket, request, (count += 1)));
  });
  server = started.listen(0, '127.0.0.1');
  await once(started, 'listening');
  return `127.0.0.1:${(started.address() as { port: number }).port}`;
}

const open = (client: KafkaClient, broker: string, options: Partial<KafkaOptions> = {}) =>
  openKafka(client, { brokers: [broker], clientId: 'test', replicationFactor: 1, ...options });

/** A response of the protocol: its length, which request it is for, and what it says. */
function respond(socket: Socket, request: Buffer, body: Buffer): void {
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 4);
  request.copy(head, 4, 8, 12);
  socket.write(Buffer.concat([head, body]));
}
const requests = { handshake: 17, versions: 18, authenticate: 36 };
/** No error; which versions of these three requests it takes. */
const versions = Buffer.from([0, 0, 0, 0, 0, 3, 0, 17, 0, 0, 0, 1, 0, 36, 0, 0, 0, 1, 0, 18, 0, 0, 0, 1, 0, 0, 0, 0]);
const plainIsGood = Buffer.from([0, 0, 0, 0, 0, 1, 0, 5, ...Buffer.from('PLAIN')]);
/** No error, no message, no bytes; to be done again within 100 ms. */
const signedIn = Buffer.from([0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100]);
const unsupportedMechanism = Buffer.from([0, 33, 0, 0, 0, 0]);

/** Lets a client sign in, so many times, and tells it nothing more; then refuses, and breaks off. */
const doorkeeper = (times: number) => {
  const handshakes = new Map<Socket, number>();
  return (socket: Socket, request: Buffer, count: number) => {
    switch (request.readInt16BE(4)) {
      case requests.versions:
        if (count === 1) respond(socket, request, versions);
        break;
      case requests.handshake: {
        const handshake = (handshakes.get(socket) ?? 0) + 1;
        handshakes.set(socket, handshake);
        respond(socket, request, handshake <= times ? plainIsGood : unsupportedMechanism);
        if (handshake > times) setTimeout(() => socket.resetAndDestroy(), 5);
        break;
      }
      case requests.authenticate:
        respond(socket, request, signedIn);
        setTimeout(() => socket.resetAndDestroy(), 300);
    }
  };
};

describe.each(kafkaClients)('without a broker, %s', (client) => {
  it('says Away when nothing listens, without a word of what was to be sent', async () => {
    const broker = await listening(() => undefined);
    server?.close();
    const port = await open(client, broker);
    const reader = port.reader(topic);
    const asks = [
      () => port.ensureTopic(topic),
      () => port.produce(topic, [message]),
      () => reader.offsets(),
      () => reader.fetch(0),
    ];
    for (const ask of asks) {
      const away = await ask().catch((error: unknown) => error);
      expect(away).toBeInstanceOf(Away);
      expect((away as Away).message).toMatch(/^could not .*ECONNREFUSED/);
      expect((away as Away).cause).toBeUndefined();
    }
    expect(port.fetchAge()).toBeGreaterThan(0);
    await port.disconnect();
    expect(port.fetchAge()).toBe(0);
  });

  it('gives up where something listens and never answers, and lets go of it in two seconds', async () => {
    const port = await open(client, await listening(() => undefined));
    const reader = port.reader(topic);
    const begun = performance.now();
    await Promise.all(
      [port.produce(topic, [message]), reader.offsets()].map((asked) => expect(asked).rejects.toBeInstanceOf(Away)),
    );
    expect(performance.now() - begun).toBeLessThan(14_000);
    const asking = port.produce(topic, [message]).catch((error: unknown) => error);
    await until(() => sockets.size > 0);
    const told = performance.now();
    await port.disconnect();
    expect(performance.now() - told).toBeLessThan(2_500);
    expect(await asking).toBeInstanceOf(Away);
  }, 40_000);

  it.each([
    ['refuses the sign-in', 0],
    ['refuses to have it renewed', 1],
  ])('outlives a broker that %s and breaks off', async (_, signIns) => {
    const port = await open(client, await listening(doorkeeper(signIns)), { sasl });
    for (let times = 0; times < 3; times += 1) {
      const away = (await port.produce(topic, [message]).catch((error: unknown) => error)) as Away;
      expect(away).toBeInstanceOf(Away);
      expect(away.message).not.toContain(sasl.password);
      await sleep(50);
    }
    await port.disconnect();
  });
});
