import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@throughline/service';
import { caller, type Call } from '@throughline/service/testing';
import { startChild, type Child } from './child.ts';
import type { Servers } from './servers.ts';

/** The whole CRM in one process, as `npm start` runs it. */
export type Crm = { child: Child; url: string; secondsToReady: number };

const adminEmail = 'admin@bench.example';
const adminPassword = 'an administrator of the bench';
const patienceMilliseconds = 120_000;

/** Resolves once it says that it is ready. */
export async function startCrm(servers: Servers, environment: Record<string, string>): Promise<Crm> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = performance.now();
  const child = startChild(servers, 'apps/all-in-one/src/main.ts', {
    THROUGHLINE_ADMIN_EMAIL: adminEmail,
    THROUGHLINE_ADMIN_PASSWORD: adminPassword,
    PORT: String(port),
    ...environment,
  });
  while (!(await isReady(url))) {
    child.check();
    if (performance.now() - start > patienceMilliseconds) {
      await child.stop();
      throw new Error('the CRM does not become ready');
    }
    await sleep(10);
  }
  return { child, url, secondsToReady: (performance.now() - start) / 1_000 };
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    async (answer) => (await answer.body?.cancel(), answer.ok),
    () => false,
  );

/** Calls it as its administrator. */
export async function asAdministrator({ url }: Crm): Promise<Call> {
  const credentials = { email: adminEmail, password: adminPassword };
  const { body } = await caller(url, () => '')('POST', '/api/sessions', credentials);
  return caller(url, () => body.token as string);
}
