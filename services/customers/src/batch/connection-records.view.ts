import { Injectable } from '@nestjs/common';
import { known, type Actor, type CustomerEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { Entity, Index, PrimaryColumn } from 'typeorm';

/** A record that a connection said something of. */
@Entity()
@Index(['connectionId', 'recordId'])
export class ConnectionRecord {
  @PrimaryColumn('uuid') recordId!: string;
  @PrimaryColumn('uuid') connectionId!: string;
}

export const connectionRecords = fold<ConnectionRecord, CustomerEvent>(ConnectionRecord, {
  name: 'connection_records',
  version: 1,
  feed: 'customers',
  key: ({ stream, data, meta }) => (meta.actor.type === 'connection' || 'externalId' in data ? stream.id : undefined),
  on: {
    CustomerCreated: (rows, { externalId }, { stream, meta }) => {
      const connectionId = known(externalId)?.connectionId;
      const own = connectionId === undefined ? rows : [{ recordId: stream.id, connectionId }];
      return withWord(own, stream.id, meta.actor);
    },
    CustomerDetailsChanged: (rows, _, { stream, meta }) => withWord(rows, stream.id, meta.actor),
  },
});

const withWord = (rows: readonly ConnectionRecord[], recordId: string, actor: Actor): readonly ConnectionRecord[] =>
  actor.type !== 'connection' || rows.some(({ connectionId }) => connectionId === actor.id)
    ? rows
    : [...rows, { recordId, connectionId: actor.id }];

const longestWait = 10_000;

@Injectable()
export class ConnectionRecords {
  constructor(private readonly kernel: Kernel) {}

  /** Waits until all that was said so far is known. @throws Refusal `too-busy` */
  async upToNow(): Promise<void> {
    await this.kernel.viewsHold([connectionRecords], await this.kernel.feed().head(), longestWait);
  }

  /** Record ids in their order. */
  async after(connectionId: string, recordId: string, limit: number): Promise<string[]> {
    const { rows } = await this.kernel.pool.query<{ id: string }>(
      `select record_id as id from "${connectionRecords.table}" where connection_id = $1 and record_id > $2
       order by record_id limit $3`,
      [connectionId, recordId, limit],
    );
    return rows.map(({ id }) => id);
  }

  async count(connectionId: string): Promise<number> {
    const { rows } = await this.kernel.pool.query<{ count: string }>(
      `select count(*) as count from "${connectionRecords.table}" where connection_id = $1`,
      [connectionId],
    );
    return Number(rows[0]?.count);
  }
}
