import type { ReadBackRequest } from './sap.ts';

export type SapConnection = {
  /** Address of the system, with or without `/sap/opu/odata/sap`; a query such as `?sap-client=100` is kept. */
  url: string;
  user: string;
  password: string;
};

/** `gone`: the object does not exist (any more). `body` is the OData answer, unparsed, so that no digit is lost. */
export type ReadBack = { outcome: 'found'; body: string } | { outcome: 'gone' };

export type ReadBackFault =
  'refused' | 'redirected' | 'not-odata' | 'too-large' | 'unavailable' | 'rejected' | 'bad-url';

/** Carries neither credentials nor what the object holds. */
export class ReadBackFailed extends Error {
  constructor(
    readonly fault: ReadBackFault,
    message: string,
    /** Whether later may go better: the system was away or too busy. */
    readonly transient: boolean,
    /** When the system asked to be left alone for longer than a request may wait. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

export type ReadBackOptions = {
  /** Requests a second and connection, on average and at most at once. */
  rate?: number;
  burst?: number;
  attempts?: number;
  timeoutMs?: number;
  /** The longest pause between two attempts; when the system asks for more the caller has to wait. */
  maxPauseMs?: number;
  maxBytes?: number;
  now?: () => number;
  sleep?: (ms: number) => Promise<unknown>;
  random?: () => number;
};

const root = '/sap/opu/odata/sap';

/** Lets `burst` through at once and then `rate` a second, in the order in which they asked. */
class TokenBucket {
  private tokens: number;
  private at: number;

  constructor(
    private readonly rate: number,
    private readonly burst: number,
    private readonly now: () => number,
  ) {
    this.tokens = burst;
    this.at = now();
  }

  /** Takes a token, in advance if need be. Answers how long to wait for it. */
  take(): number {
    const now = this.now();
    this.tokens = Math.min(this.burst, this.tokens + (Math.max(0, now - this.at) / 1000) * this.rate);
    this.at = now;
    this.tokens -= 1;
    return this.tokens >= 0 ? 0 : Math.ceil((-this.tokens / this.rate) * 1000);
  }
}

/** Reads objects back from S/4HANA's OData V2 services. Keep one: it holds the rate of each connection. */
export class SapReader {
  private readonly buckets = new Map<string, TokenBucket>();
  private readonly options: Required<ReadBackOptions>;

  constructor(options: ReadBackOptions = {}) {
    this.options = {
      rate: 5,
      burst: 10,
      attempts: 4,
      timeoutMs: 20_000,
      maxPauseMs: 30_000,
      maxBytes: 5_000_000,
      now: Date.now,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      random: Math.random,
      ...options,
    };
  }

  /**
   * @throws ReadBackFailed `transient` when the system is away, overloaded or did not answer in time, after the attempts
   *   were used up; not transient when it will say the same again
   */
  async readBack(connection: SapConnection, request: ReadBackRequest): Promise<ReadBack> {
    const url = addressOf(connection, request);
    const { attempts, sleep } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      const wait = this.bucketOf(connection).take();
      if (wait > 0) await sleep(wait);
      const result = await this.attempt(url, connection);
      if (!('again' in result)) return result;
      const pause = result.retryAfterMs ?? this.backOff(attempt);
      if (attempt >= attempts || pause > this.options.maxPauseMs) {
        throw new ReadBackFailed('unavailable', `The SAP system ${result.again}.`, true, result.retryAfterMs);
      }
      await sleep(pause);
    }
  }

  private bucketOf({ url, user }: SapConnection): TokenBucket {
    const key = `${user} ${url}`;
    const { rate, burst, now } = this.options;
    const bucket = this.buckets.get(key) ?? new TokenBucket(rate, burst, now);
    this.buckets.set(key, bucket);
    return bucket;
  }

  /** Between half of and all of a pause that doubles: readers that failed together do not come back together. */
  private backOff(attempt: number): number {
    const { maxPauseMs, random } = this.options;
    const longest = Math.min(maxPauseMs, 500 * 2 ** (attempt - 1));
    return Math.round(longest / 2 + (longest / 2) * random());
  }

  private async attempt(
    start: URL,
    { user, password }: SapConnection,
  ): Promise<ReadBack | { again: string; retryAfterMs?: number }> {
    const headers = {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    };
    const signal = AbortSignal.timeout(this.options.timeoutMs);
    let url = start;
    for (let hops = 0; hops < 4; hops += 1) {
      let response: Response;
      let body: string;
      try {
        response = await fetch(url.href, { headers, redirect: 'manual', signal });
        body = await this.textOf(response);
      } catch (error) {
        if (error instanceof ReadBackFailed) throw error;
        return { again: signal.aborted ? 'did not answer in time' : 'is not reachable' };
      }
      const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
      if (location === null) return this.read(response, body);
      const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
      // The password goes to the host that it was given for, and over nothing weaker.
      if (next?.origin !== start.origin) {
        throw new ReadBackFailed('redirected', 'The SAP system redirects to another host.', false);
      }
      url = next;
    }
    throw new ReadBackFailed('redirected', 'The SAP system redirects in circles.', false);
  }

  private async textOf(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > this.options.maxBytes) {
        throw new ReadBackFailed('too-large', `The answer is larger than ${this.options.maxBytes} bytes.`, false);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  private read(response: Response, body: string): ReadBack | { again: string; retryAfterMs?: number } {
    const { status } = response;
    if (status === 429 || status >= 500) {
      const retryAfterMs = this.retryAfter(response.headers.get('retry-after'));
      return { again: `answers ${status}`, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    if (status === 401 || status === 403) {
      throw new ReadBackFailed('refused', `The SAP system refuses user or right (${status}).`, false);
    }
    const parsed = jsonObject(body);
    if (status === 404) {
      const code = errorCode(parsed);
      // A service that is not active or a wrong address is 404 as well: then nothing is gone.
      if (code !== undefined && code !== '/IWFND/MED/170') return { outcome: 'gone' };
      throw new ReadBackFailed('not-odata', 'There is no such OData service at this address (404).', false);
    }
    if (status !== 200) {
      const code = errorCode(parsed);
      throw new ReadBackFailed('rejected', `The SAP system answers ${status}${code ? ` ${code}` : ''}.`, false);
    }
    // A logon page is a 200, too.
    if (!parsed || !('d' in parsed))
      throw new ReadBackFailed('not-odata', 'The answer is not OData V2 in JSON.', false);
    return { outcome: 'found', body };
  }

  private retryAfter(header: string | null): number | undefined {
    if (header === null) return undefined;
    if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
    const at = Date.parse(header);
    return Number.isNaN(at) ? undefined : Math.max(0, at - this.options.now());
  }
}

function addressOf({ url }: SapConnection, { service, path, expand }: ReadBackRequest): URL {
  if (!URL.canParse(url)) throw new ReadBackFailed('bad-url', 'The address of the SAP system is not a URL.', false);
  const address = new URL(url);
  if (address.protocol !== 'https:' && address.protocol !== 'http:') {
    throw new ReadBackFailed('bad-url', 'The address of the SAP system is neither https nor http.', false);
  }
  address.username = '';
  address.password = '';
  address.hash = '';
  const base = address.pathname.replace(/\/+$/, '');
  address.pathname = `${base.endsWith(root) ? base : base + root}/${service}/${path}`;
  // Not by searchParams: it writes + for a space and %24 for $, which not every gateway reads.
  const query = [
    address.search.slice(1),
    ...(expand.length > 0 ? [`$expand=${expand.join(',')}`] : []),
    '$format=json',
  ];
  address.search = query.filter((part) => part !== '').join('&');
  return address;
}

function jsonObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function errorCode(answer: Record<string, unknown> | undefined): string | undefined {
  const error = answer?.['error'];
  if (typeof error !== 'object' || error === null) return undefined;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code.slice(0, 100) : '';
}

const reader = new SapReader();
/** With the reader that the process shares. */
export const readBack = (connection: SapConnection, request: ReadBackRequest): Promise<ReadBack> =>
  reader.readBack(connection, request);
