import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokens } from '@throughline/service';
import { Failure } from './command.ts';

const tokenSeconds = 60;
const answerMilliseconds = 30_000;

export type Call = <T>(method: 'GET' | 'POST', path: string, body?: object) => Promise<T>;
export type List<Item> = { items: Item[]; unreachable: string[] };

type Environment = NodeJS.ProcessEnv;

/**
 * The operators' routes of a running Throughline: `THROUGHLINE_URL` unless given.
 *
 * @throws Failure of one line where it does not answer, refuses, or nothing is at hand to prove oneself with
 */
export function operationsAt(url: string | undefined, environment: Environment = process.env): Call {
  const base = url ?? environment['THROUGHLINE_URL'] ?? 'http://localhost:3000';
  if (!URL.canParse(base) || !/^https?:/.test(base)) throw new Failure(`not an http address: ${base}`);
  const root = new URL(base).href.replace(/\/$/, '');
  const { bearer, kind } = proofFrom(environment);
  return async <T>(method: string, path: string, body?: object) => {
    const headers = {
      authorization: `Bearer ${await bearer()}`,
      'accept-language': 'en',
      ...(body && { 'content-type': 'application/json' }),
    };
    let answer: { ok: boolean; status: number };
    let text: string;
    try {
      const signal = AbortSignal.timeout(answerMilliseconds);
      const init = { method, headers, signal, ...(body && { body: JSON.stringify(body) }) };
      const response = await fetch(`${root}/api/operations/${path}`, init);
      [answer, text] = [response, await response.text()];
    } catch {
      throw new Failure(`nothing answers at ${root}; start it with "npm start", or say --url`);
    }
    if (answer.status === 401) throw new Failure(`${root} does not take the ${kind}`);
    const content = parsed(text);
    if (content === undefined) throw new Failure(`${root} is not a Throughline (${answer.status})`);
    if (!answer.ok) throw new Failure(reasonOf(content, answer.status));
    return content as T;
  };
}

type Problem = { title?: string; errors?: readonly { path: string; message: string }[] };

function reasonOf(content: object, status: number): string {
  const { title = `answered ${status}`, errors = [] } = content as Problem;
  return [title, ...errors.map(({ path, message }) => `${path}: ${message}`)].join(' ');
}

function parsed(text: string): object | undefined {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return undefined;
  }
}

/** An API key, or short tokens made from the master key. */
function proofFrom(environment: Environment): { bearer: () => Promise<string>; kind: string } {
  const key = environment['THROUGHLINE_API_KEY'];
  if (key) return { bearer: () => Promise.resolve(key), kind: 'API key' };
  const master = masterKeyOf(environment);
  let tokens: Promise<Tokens> | undefined;
  return {
    bearer: async () => (await (await (tokens ??= tokensOf(master))).issue(operator, 'public', tokenSeconds)).token,
    kind: 'master key: it is another installation’s',
  };
}

const operator = { id: 'operations', type: 'system', roles: ['administrator'] } as const;

/** Loaded only where it is needed: an API key is quicker. */
async function tokensOf(master: string): Promise<Tokens> {
  const [{ secretsFrom }, service] = await Promise.all([
    import('@throughline/event-sourcing'),
    import('@throughline/service'),
  ]);
  try {
    return new service.Tokens(secretsFrom(master));
  } catch (error) {
    throw new Failure((error as Error).message);
  }
}

function masterKeyOf(environment: Environment): string {
  const file = environment['THROUGHLINE_MASTER_KEY_FILE'];
  const master =
    environment['THROUGHLINE_MASTER_KEY'] ||
    contentOf(file ?? join(environment['THROUGHLINE_DATA_DIR'] ?? './data', 'master.key'));
  if (!master) throw new Failure('set THROUGHLINE_API_KEY to an administrator’s, or THROUGHLINE_MASTER_KEY');
  return master;
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
