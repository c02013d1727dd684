import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  dictionary,
  versionsOf,
  type AnyEvent,
  type EventData,
  type EventDefinition,
  type ServiceName,
} from '@throughline/contracts';
import { Codec, newId, type Keyring, type Stored } from '@throughline/event-sourcing';

const folder = join(import.meta.dirname, '../../../libs/contracts/fixtures');

/** A version of an event that was written at some time, and what such an event says. */
export type Fixture = {
  service: ServiceName;
  type: string;
  version: number;
  definition: EventDefinition;
  /** Path below the fixtures. */
  file: string;
};

/** One for every version of every event that the contracts know, in their order. */
export const fixtures: readonly Fixture[] = Object.entries(dictionary).flatMap(([service, events]) =>
  Object.entries<EventDefinition>(events).flatMap(([type, definition]) =>
    versionsOf(definition).map((_, index) => ({
      service: service as ServiceName,
      type,
      version: index + 1,
      definition,
      file: `${service}/${type}.v${index + 1}.json`,
    })),
  ),
);

export const isThere = ({ file }: Fixture): boolean => existsSync(join(folder, file));
export const filesThere = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
export const dataOf = ({ file }: Fixture): EventData =>
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as EventData;

/** What the fixtures' ids point to: the other streams have ids of their own. */
const streamIds: Readonly<Record<string, string>> = {
  customer: '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01',
  'seen-customer': '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01',
  order: '6d1f0a3e-4c58-5b7a-9e21-70c4b8d2f315',
  'seen-order': '6d1f0a3e-4c58-5b7a-9e21-70c4b8d2f315',
  pipeline: '0198a001-7e42-7f09-8c33-d15a6b90e4f2',
  form: '0198b7d1-40e2-7a55-9c18-6f3e2d1b0a97',
  'form-submission': '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01',
  connection: '0198b3a2-11f4-7d60-b5c8-9a3e7f10d2c4',
};

/** As a release of that time stored them: a log of one service, all events of one kind of stream in one stream. */
export async function logOf(service: ServiceName, keyring: Keyring): Promise<Stored[]> {
  const streams = new Map<string, { id: string; version: number }>();
  const log: Stored[] = [];
  for (const fixture of fixtures.filter((one) => one.service === service)) {
    const { stream } = fixture.definition;
    const before = streams.get(stream) ?? { id: streamIds[stream] ?? newId(), version: 0 };
    const next = { ...before, version: before.version + 1 };
    streams.set(stream, next);
    log.push(await store(fixture, { type: stream, ...next }, log.length + 1, keyring));
  }
  return log;
}

/** @throws MalformedEvent where the fixture is not of its version */
async function store(fixture: Fixture, stream: Stored['stream'], position: number, keyring: Keyring): Promise<Stored> {
  const { type, definition, version } = fixture;
  const data = versionsOf(definition)[version - 1] ?? definition.data;
  const ofThatTime = { ...definition, schemaVersion: version, data, earlier: definition.earlier.slice(0, version - 1) };
  const codec = new Codec({ [type]: ofThatTime }, keyring);
  const event: AnyEvent = { ...dataOf(fixture), type };
  const id = newId();
  const at = new Date(Date.UTC(2026, 3, 1, 0, position)).toISOString();
  const meta = {
    actor: { type: 'user', id: '0197aa55-63c0-7b1e-a4d9-58e2c7f0b311' },
    source: 'web',
    correlationId: newId(),
    commandId: newId(),
  };
  return {
    ...codec.encode(event, id, stream.id, await codec.keysToEncode(codec.subjectsOf([event], stream.id))),
    id,
    type,
    stream,
    position,
    generation: '0198c0de-0000-7000-8000-00000000aaaa',
    meta: JSON.stringify(meta),
    occurredAt: at,
    recordedAt: at,
    effectiveAt: at,
    hash: '0'.repeat(64),
  };
}
