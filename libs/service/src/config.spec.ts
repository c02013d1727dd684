import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readConfig, type ConfigError } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'throughline-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const complete = {
  THROUGHLINE_DATABASE_URL: 'postgres://user:pw@localhost/postgres',
  THROUGHLINE_MASTER_KEY: '00'.repeat(32),
};
const problems = (environment: NodeJS.ProcessEnv): string[] => {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    return (error as ConfigError).message.split('\n');
  }
};

describe('the configuration', () => {
  it('has defaults for all but the database and the master key, and cannot be changed', () => {
    const config = readConfig(complete);
    expect(config).toMatchObject({ port: 0, host: '127.0.0.1', role: 'all', trustProxy: false, logLevel: 'info' });
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
  });

  it('lists every problem at once, by the names of the variables', () => {
    const wrong = {
      PORT: '70000',
      THROUGHLINE_ROLE: 'boss',
      THROUGHLINE_SEARCH_URL: 'nowhere',
      THROUGHLINE_METRICS_PORT: 'many',
      THROUGHLINE_TRACES_SAMPLE: '1.5',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
    };
    expect(problems(wrong).map((line) => line.split(':')[0])).toEqual([
      'PORT',
      'THROUGHLINE_ROLE',
      'THROUGHLINE_DATABASE_URL',
      'THROUGHLINE_SEARCH_URL',
      'THROUGHLINE_MASTER_KEY',
      'THROUGHLINE_METRICS_PORT',
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      'THROUGHLINE_TRACES_SAMPLE',
    ]);
  });

  it('names the Kafka clients that there are, and takes TLS only as true or false', () => {
    expect(readConfig(complete)).toMatchObject({ kafkaClient: 'kafkajs', kafkaTls: false });
    const given = { ...complete, THROUGHLINE_KAFKA_CLIENT: 'platformatic', THROUGHLINE_KAFKA_TLS: 'true' };
    expect(readConfig(given)).toMatchObject({ kafkaClient: 'platformatic', kafkaTls: true });
    const wrong = { ...complete, THROUGHLINE_KAFKA_CLIENT: 'librdkafka', THROUGHLINE_KAFKA_TLS: 'yes' };
    expect(problems(wrong)).toEqual([
      'THROUGHLINE_KAFKA_CLIENT: it must be one of the following values: kafkajs, platformatic',
      'THROUGHLINE_KAFKA_TLS: it must be a boolean value',
    ]);
  });

  it('gives readers of Kafka at least half a minute', () => {
    expect(readConfig(complete).kafkaFetchLimit).toBe(120);
    expect(problems({ ...complete, THROUGHLINE_KAFKA_FETCH_LIMIT: '5' })).toEqual([
      'THROUGHLINE_KAFKA_FETCH_LIMIT: it must not be less than 30',
    ]);
  });

  it('takes mechanism, user and password for Kafka together only', () => {
    const sasl = {
      THROUGHLINE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      THROUGHLINE_KAFKA_SASL_USERNAME: 'throughline',
      THROUGHLINE_KAFKA_SASL_PASSWORD: 'letters',
    };
    expect(readConfig({ ...complete, ...sasl }).kafkaSaslMechanism).toBe('scram-sha-512');
    for (const [name, value] of Object.entries(sasl)) {
      const others = Object.keys(sasl).filter((other) => other !== name);
      expect(problems({ ...complete, [name]: value })).toEqual(others.map((other) => `${other}: is missing`));
    }
    expect(problems({ ...complete, ...sasl, THROUGHLINE_KAFKA_SASL_MECHANISM: 'SCRAM' })).toEqual([
      'THROUGHLINE_KAFKA_SASL_MECHANISM: it must be one of the following values: plain, scram-sha-256, scram-sha-512',
    ]);
  });

  it('takes a value from a file, and says where a file cannot be read', () => {
    const file = join(folder, 'key');
    writeFileSync(file, `${'11'.repeat(32)}\n`);
    const { THROUGHLINE_MASTER_KEY: _, ...rest } = complete;
    expect(readConfig({ ...rest, THROUGHLINE_MASTER_KEY_FILE: file }).masterKey).toBe('11'.repeat(32));
    expect(problems({ ...rest, THROUGHLINE_MASTER_KEY_FILE: join(folder, 'none') })[0]).toMatch(
      /_FILE: cannot be read/,
    );
  });
});
