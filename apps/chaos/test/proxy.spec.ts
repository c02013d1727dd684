import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '@throughline/service';
import { startProxy, type Proxy } from '../src/proxy.ts';

let echo: Server;
let proxy: Proxy;
let client: Socket;
beforeEach(async () => {
  echo = createServer((socket) => void socket.on('error', () => undefined).pipe(socket));
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  const nobody = await freePort();
  proxy = await startProxy(() => [nobody, (echo.address() as AddressInfo).port]);
  client = connect(proxy.port, '127.0.0.1');
  await once(client, 'connect');
});
afterEach(async () => {
  client.destroy();
  await proxy.close();
  echo.close();
});

const answerTo = async (text: string) => {
  client.write(text);
  return String((await once(client, 'data'))[0]);
};
const timed = async (work: Promise<unknown>) => {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
};

describe('a proxy', () => {
  it('goes to the first that answers, and lets everything through both ways', async () => {
    expect(await answerTo('王伟')).toBe('王伟');
  });

  it('cuts connections, and takes new ones', async () => {
    await answerTo('a');
    const closed = once(client, 'close');
    proxy.cut();
    await closed;
    client = connect(proxy.port, '127.0.0.1');
    expect(await answerTo('b')).toBe('b');
  });

  it('stalls and slows what goes through, and loses nothing of it', async () => {
    await answerTo('a');
    const stalled = proxy.stall(400);
    expect(await timed(answerTo('b'))).toBeGreaterThan(300);
    await stalled;
    const slowed = proxy.slow(150, 500);
    expect(await timed(answerTo('c'))).toBeGreaterThan(250);
    await slowed;
    expect(await answerTo('d')).toBe('d');
  });
});
