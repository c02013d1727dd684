import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { plainToInstance, Transform, Type } from 'class-transformer';
import { kafkaClients, saslMechanisms, type KafkaClient, type SaslMechanism } from '@throughline/messaging';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  ValidateIf,
  validateSync,
} from 'class-validator';

const anyUrl = { require_tld: false, require_protocol: true, protocols: ['http', 'https'] };

/** Mechanism, user and password go together: one of them asks for the others. */
const signsIn = ({ kafkaSaslMechanism, kafkaSaslUsername, kafkaSaslPassword }: ServiceConfig): boolean =>
  [kafkaSaslMechanism, kafkaSaslUsername, kafkaSaslPassword].some((value) => value !== undefined);

/** What every service reads from its environment. */
export class ServiceConfig {
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(65_535)
  port = 0;

  /** Address to listen on. */
  @IsString()
  host = '127.0.0.1';

  /** Whether `X-Forwarded-*` of the caller is believed: only behind a proxy that sets it. */
  @Transform(({ value }) => value === 'true' || value === true)
  @IsBoolean()
  trustProxy = false;

  @IsIn(['all', 'api', 'worker'])
  role: 'all' | 'api' | 'worker' = 'all';

  /** The Postgres server; each service opens the database named after itself there. */
  @IsUrl({ protocols: ['postgres', 'postgresql'], require_tld: false, require_protocol: true, require_host: true })
  databaseUrl!: string;

  /** In front of the databases' names, so that several installations can share a server. */
  @Matches(/^[a-z0-9_]*$/)
  databasePrefix = '';

  /** Host:port, several separated by commas; without it the stores themselves are the bus. */
  @IsOptional()
  @IsString()
  kafkaBrokers?: string;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  kafkaReplicationFactor = 1;

  /** The library that speaks to Kafka. */
  @IsIn(kafkaClients)
  kafkaClient: KafkaClient = 'kafkajs';

  @Transform(({ value }: { value: unknown }) => (value === 'true' || value === 'false' ? value === 'true' : value))
  @IsBoolean()
  kafkaTls = false;

  @ValidateIf(signsIn)
  @IsIn(saslMechanisms)
  kafkaSaslMechanism?: SaslMechanism;

  @ValidateIf(signsIn)
  @IsString()
  kafkaSaslUsername?: string;

  @ValidateIf(signsIn)
  @IsString()
  kafkaSaslPassword?: string;

  /** Seconds for which a reader may ask Kafka in vain before it may count as hanging. */
  @Type(() => Number)
  @IsInt()
  @Min(30)
  kafkaFetchLimit = 120;

  @IsOptional()
  @IsUrl(anyUrl)
  searchUrl?: string;

  @IsString()
  masterKey!: string;

  /** Seconds for which a process may remember the keys of personal data: so long an erasure waits before it goes on. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(60)
  keyCacheSeconds = 60;

  /** Days for which backups are kept; a certificate of erasure names the day when the last one goes. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  backupDays = 30;

  /** Days after which a command that a person or an API key sent is no longer recognised when it is repeated. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(36_500)
  commandDays = 90;

  /** Folder outside of the database where anchors go; without it none are written. */
  @IsOptional()
  @IsString()
  anchorDir?: string;

  /** Between two anchors, if anything was appended. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(86_400)
  anchorSeconds = 600;

  @IsIn(['debug', 'info', 'warn', 'error'])
  logLevel: 'debug' | 'info' | 'warn' | 'error' = 'info';

  /** Base URLs of the services, for the gateway's routes and for reading each other's history. */
  @IsOptional()
  @IsUrl(anyUrl)
  gatewayUrl?: string;

  @IsOptional()
  @IsUrl(anyUrl)
  customersUrl?: string;

  @IsOptional()
  @IsUrl(anyUrl)
  interactionsUrl?: string;

  @IsOptional()
  @IsUrl(anyUrl)
  salesUrl?: string;

  @IsOptional()
  @IsUrl(anyUrl)
  analyticsUrl?: string;

  @IsOptional()
  @IsUrl(anyUrl)
  publicUrl?: string;

  @IsOptional()
  @IsString()
  adminEmail?: string;

  @IsOptional()
  @IsString()
  adminPassword?: string;

  @IsOptional()
  @IsString()
  adminApiKey?: string;

  @IsOptional()
  @IsString()
  biPassword?: string;

  /** Port of `GET /metrics`; without it none are kept. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(65_535)
  metricsPort?: number;

  /** The collector's base address for all signals; traces go to `v1/traces` below it. */
  @IsOptional()
  @IsUrl(anyUrl)
  otlpEndpoint?: string;

  /** Where traces go, as it stands. */
  @IsOptional()
  @IsUrl(anyUrl)
  otlpTracesEndpoint?: string;

  /** The share of traces that begin here which is recorded; those that come from elsewhere are as they come. */
  @Type(() => Number)
  @IsNumber()
  @Min(0)
  @Max(1)
  tracesSample = 1;
}

const variables: Record<keyof ServiceConfig, string> = {
  port: 'PORT',
  host: 'THROUGHLINE_HOST',
  trustProxy: 'THROUGHLINE_TRUST_PROXY',
  role: 'THROUGHLINE_ROLE',
  databaseUrl: 'THROUGHLINE_DATABASE_URL',
  databasePrefix: 'THROUGHLINE_DATABASE_PREFIX',
  kafkaBrokers: 'THROUGHLINE_KAFKA_BROKERS',
  kafkaReplicationFactor: 'THROUGHLINE_KAFKA_REPLICATION_FACTOR',
  kafkaClient: 'THROUGHLINE_KAFKA_CLIENT',
  keyCacheSeconds: 'THROUGHLINE_KEY_CACHE_SECONDS',
  backupDays: 'THROUGHLINE_BACKUP_DAYS',
  commandDays: 'THROUGHLINE_COMMAND_DAYS',
  kafkaTls: 'THROUGHLINE_KAFKA_TLS',
  kafkaSaslMechanism: 'THROUGHLINE_KAFKA_SASL_MECHANISM',
  kafkaSaslUsername: 'THROUGHLINE_KAFKA_SASL_USERNAME',
  kafkaSaslPassword: 'THROUGHLINE_KAFKA_SASL_PASSWORD',
  kafkaFetchLimit: 'THROUGHLINE_KAFKA_FETCH_LIMIT',
  searchUrl: 'THROUGHLINE_SEARCH_URL',
  masterKey: 'THROUGHLINE_MASTER_KEY',
  anchorDir: 'THROUGHLINE_ANCHOR_DIR',
  anchorSeconds: 'THROUGHLINE_ANCHOR_SECONDS',
  logLevel: 'THROUGHLINE_LOG_LEVEL',
  gatewayUrl: 'THROUGHLINE_GATEWAY_URL',
  customersUrl: 'THROUGHLINE_CUSTOMERS_URL',
  interactionsUrl: 'THROUGHLINE_INTERACTIONS_URL',
  salesUrl: 'THROUGHLINE_SALES_URL',
  analyticsUrl: 'THROUGHLINE_ANALYTICS_URL',
  publicUrl: 'THROUGHLINE_PUBLIC_URL',
  adminEmail: 'THROUGHLINE_ADMIN_EMAIL',
  adminPassword: 'THROUGHLINE_ADMIN_PASSWORD',
  adminApiKey: 'THROUGHLINE_ADMIN_API_KEY',
  biPassword: 'THROUGHLINE_BI_PASSWORD',
  metricsPort: 'THROUGHLINE_METRICS_PORT',
  otlpEndpoint: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  otlpTracesEndpoint: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  tracesSample: 'THROUGHLINE_TRACES_SAMPLE',
};

/** Everything that is wrong with the configuration, one line each. */
export class ConfigError extends Error {}

/**
 * Reads the environment, each variable also as `<NAME>_FILE`, the path of a file that holds the value.
 *
 * @throws ConfigError that lists every problem at once
 */
export function readConfig(
  environment: NodeJS.ProcessEnv = process.env,
  overrides: Partial<ServiceConfig> = {},
): ServiceConfig {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [property, variable] of Object.entries(variables)) {
    const file = environment[`${variable}_FILE`];
    try {
      const value = file ? readFileSync(file, 'utf8').trim() : environment[variable];
      if (value !== undefined && value !== '') values[property] = value;
    } catch {
      problems.push(`${variable}_FILE: cannot be read`);
    }
  }
  const config = plainToInstance(ServiceConfig, { ...values, ...overrides });
  for (const error of validateSync(config)) {
    const variable = variables[error.property as keyof ServiceConfig];
    const reason = Object.values(error.constraints ?? {}).join('; ');
    problems.push(`${variable}: ${error.value === undefined ? 'is missing' : reason.replace(error.property, 'it')}`);
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return Object.freeze(config);
}
