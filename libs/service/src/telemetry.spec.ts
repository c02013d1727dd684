import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Injectable, Post } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Recorded } from '@throughline/contracts';
import { Commands, conflict, newId } from '@throughline/event-sourcing';
import { freePort } from './embedded-postgres.ts';
import { Log } from './log.ts';
import { Service } from './service.ts';
import { Timers } from './timers.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';
import { eventually, startTestService, testConfig, type TestService } from './testing.ts';

const held = Promise.withResolvers<void>();

@Controller()
class Waits {
  @EventPattern({ policy: 'waits', event: 'CustomerArchived', from: 'beginning' })
  archived() {
    return held.promise;
  }
}

@Controller()
class Refuses {
  @EventPattern({ policy: 'refuses', event: 'CustomerArchived', from: 'beginning' })
  archived(@Payload() event: Recorded) {
    throw conflict('odd', { position: event.position });
  }
}

@Controller('notes')
class Notes {
  constructor(private readonly commands: Commands) {}

  @Post()
  async take() {
    const decided = [{ type: 'CustomerArchived' }];
    const note = { category: 'customer', initial: 0, evolve: () => 0, decide: () => decided };
    const { id } = await this.commands.execute(note, newId(), { type: 'Take' });
    return { id };
  }
}

@Injectable()
class Rings {
  due() {
    return Promise.resolve();
  }
}

@Service({ name: 'interactions', controllers: [Notes], policies: [Waits, Refuses], timers: { bell: Rings } })
class Observed {}

const log = new Log('test', 'error');
const exported: string[] = [];
let collector: Server;
let metricsPort: number;
let process: Telemetry;
let service: TestService;
beforeAll(async () => {
  collector = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => exported.push(chunk.toString()));
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  metricsPort = await freePort();
  const otlpTracesEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/traces`;
  const config = testConfig({ metricsPort, otlpTracesEndpoint, tracesSample: 0 });
  process = await startTelemetry(config, 'test', log);
  service = await startTestService(Observed, { listensTo: ['customers'] });
});
afterAll(async () => {
  await service?.end();
  await process?.stop();
  collector?.closeAllConnections();
  collector?.close();
});

/** `metric{labels}` -> value, of the service under test. */
const scrape = async (): Promise<ReadonlyMap<string, number>> => {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const samples = [...text.matchAll(/^throughline_(\w+)\{service="interactions",?(.*)\} (\S+)$/gm)];
  return new Map(samples.map(([, name, labels, value]) => [`${name} ${labels}`.trim(), Number(value)]));
};
const on = (policy: string) => `subscription="policy:${policy}",feed="customers"`;

describe('the metrics of a service', () => {
  it('say how far who lags behind whose log, what was parked, and that it is over', async () => {
    for (const id of [newId(), newId()]) {
      await service.log('customers').append({ type: 'customer', id }, { type: 'CustomerArchived' });
    }
    const parked = 'dead_letters policy="refuses",feed="customers"';
    const lag = `subscription_lag_events ${on('waits')}`;
    const behind = await eventually(scrape, (now) => now.get(parked) === 2 && now.get(lag) === 2);
    expect(behind.get('dead_letters policy="waits",feed="customers"')).toBe(0);
    expect(behind.get(`subscription_position ${on('waits')}`)).toBe(0);
    expect(behind.get(`subscription_lag_seconds ${on('waits')}`)).toBeGreaterThan(0);
    expect(behind.get('leader')).toBe(1);

    held.resolve();
    const after = await eventually(scrape, (now) => now.get(lag) === 0);
    expect(after.get(`subscription_lag_seconds ${on('waits')}`)).toBe(0);
    expect(after.get(`subscription_position ${on('waits')}`)).toBe(2);
  });

  it('count the timers that failed for good, until somebody settles them', async () => {
    const failed = 'failed_timers timer="bell"';
    await eventually(scrape, (now) => now.get(failed) === 0);
    const timers = service.app.get(Timers);
    await timers.at('bell', 'b1', new Date(Date.now() + 3_600_000).toISOString());
    await service.kernel.pool.query(`update timers.job set state = 'failed' where name = 'bell'`);
    await eventually(scrape, (now) => now.get(failed) === 1);
    const [bell] = await timers.failed(10);
    await timers.discard(bell?.id ?? '', 'op', 'no longer needed');
    await eventually(scrape, (now) => now.get(failed) === 0);
  });

  it('leave out what the database does not say, and say that it does not', async () => {
    await service.kernel.pool.query('alter table checkpoints rename to hidden');
    const away = await eventually(scrape, (now) => now.get('database_up') === 0);
    expect([...away.keys()].filter((name) => /^(subscription|store|dead)_/.test(name))).toEqual([]);
    // What this process knows by itself is told, if only that the pool has closed what nobody used.
    expect(away.has('postgres_connections state="total"')).toBe(true);
    await service.kernel.pool.query('alter table hidden rename to checkpoints');
    await eventually(scrape, (now) => now.get('database_up') === 1 && now.has('store_head_position'));
  });

  it('count requests by template and class of status', async () => {
    const labels = (status: string) =>
      `http_request_duration_seconds_count method="POST",route="/api/notes",status="${status}"`;
    await service.call('POST', '/api/notes');
    await service.call('POST', '/api/notes', '{');
    await eventually(scrape, (now) => now.get(labels('2xx')) === 1 && now.get(labels('4xx')) === 1);
  });

  it('need a port that is free', async () => {
    await expect(startTelemetry(testConfig({ metricsPort }), 'test', log)).rejects.toThrow('EADDRINUSE');
  });
});

describe('a trace', () => {
  const traceparents = async () => {
    const stored = await service.kernel.store.readAbove(0, 100);
    return stored.map(({ meta }) => (JSON.parse(meta) as { traceparent?: string }).traceparent);
  };

  it('that begins here is recorded as often as configured, and one that comes recorded, always', async () => {
    const [given, since] = ['ab'.repeat(16), (await traceparents()).length];
    for (let calls = 0; calls < 5; calls += 1) await service.call('POST', '/api/notes');
    await service.call('POST', '/api/notes', undefined, { traceparent: `00-${given}-00f067aa0ba902b7-01` });
    const flags = (await traceparents()).slice(since).map((traceparent) => traceparent?.slice(-2));
    expect(flags).toEqual(['00', '00', '00', '00', '00', '01']);
    // What has not been sent by then goes out at the end of the process.
    await process.stop();
    const ids = exported.flatMap((body) => [...body.matchAll(/"traceId":"(\w+)"/g)].map(([, id]) => id));
    expect([...new Set(ids)]).toEqual([given]);
  });

  it('passes through as it came where nothing is recorded', async () => {
    const given = `00-${'cd'.repeat(16)}-00f067aa0ba902b7-01`;
    const { headers } = await service.call('POST', '/api/notes', undefined, { traceparent: given });
    expect(headers.get('x-trace-id')).toBe('cd'.repeat(16));
    expect((await traceparents()).at(-1)).toBe(given);
  });

  it('begins anew where what came is none', async () => {
    for (const traceparent of ['00-zz-01', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, '王伟']) {
      const { headers } = await service.call('POST', '/api/notes', undefined, { traceparent: encodeURI(traceparent) });
      const id = headers.get('x-trace-id');
      expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect((await traceparents()).at(-1)).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-00$`));
    }
  });
});
