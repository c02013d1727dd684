import { getPostgreSQLEventStore, type PostgreSQLEventStoreConsumerConfig } from '@event-driven-io/emmett-postgresql';
import { newId } from '@throughline/event-sourcing';
import type { AnyEvent, EventMeta } from '@throughline/contracts';
import pg from 'pg';

/** Emmett's event store on Postgres, in a database of ours. */
export type Emmett = {
  /** Appends to a new stream, in one transaction. */
  append: (category: string, events: readonly AnyEvent[], meta: EventMeta) => Promise<unknown>;
  /** Reads so many events from the first one on, as its consumers do, and keeps no checkpoint. */
  read: (count: number, page: number) => Promise<void>;
  close: () => Promise<void>;
};

type Processor = NonNullable<PostgreSQLEventStoreConsumerConfig['processors']>[number];

const bigint = 20;
const json = 114;
const jsonb = 3802;

export async function openEmmett(databaseUrl: string, connections: number): Promise<Emmett> {
  const types = [bigint, json, jsonb].map((oid) => ({ oid, usual: pg.types.getTypeParser(oid) }));
  const own = new Map<number, (text: string) => unknown>();
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    types: { getTypeParser: (oid, format) => own.get(oid) ?? pg.types.getTypeParser(oid, format) },
  });
  pool.on('error', () => undefined);
  const store = getPostgreSQLEventStore(databaseUrl, { connectionOptions: { pool } });
  try {
    await store.schema.migrate();
  } finally {
    // It sets them for the whole process, where the project's side would pay for them.
    for (const { oid, usual } of types) {
      own.set(oid, pg.types.getTypeParser(oid));
      pg.types.setTypeParser(oid, usual);
    }
  }
  return {
    append: (category, events, meta) =>
      store.appendToStream(
        `${category}-${newId()}`,
        events.map(({ type, ...data }) => ({ type, data, metadata: { ...meta } })),
      ),
    async read(count, page) {
      let left = count;
      const processor: Processor = {
        id: 'bench',
        instanceId: newId(),
        type: 'reactor',
        isActive: true,
        init: async () => undefined,
        start: async () => 'BEGINNING',
        close: async () => undefined,
        handle: async (messages) => {
          left -= messages.length;
          return left > 0 ? undefined : { type: 'STOP' };
        },
      };
      const pulling = { batchSize: page, pullingFrequencyInMs: 0 };
      await store.consumer({ processors: [processor], pulling, stopWhen: { noMessagesLeft: true } }).start();
      if (left > 0) throw new Error(`Emmett did not read ${left} events of ${count}`);
    },
    async close() {
      await store.close();
      await pool.end();
    },
  };
}
