import { fold } from '@throughline/event-sourcing';
import type { ConnectionEvent } from '@throughline/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class ConnectionRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('text') kind!: string;
  @Column('boolean') archived!: boolean;
  @Column('timestamptz') createdAt!: string;
}

export const connectionList = fold<ConnectionRow, ConnectionEvent>(ConnectionRow, {
  name: 'connection_list',
  version: 1,
  feed: 'gateway',
  key: (event) => event.stream.id,
  on: {
    ConnectionMade: (_, { name, kind }, { stream, recordedAt }) => [
      { id: stream.id, name, kind, archived: false, createdAt: recordedAt },
    ],
    ConnectionChanged: (rows, { name }) => rows.map((row) => ({ ...row, name: name ?? row.name })),
    ConnectionArchived: (rows) => rows.map((row) => ({ ...row, archived: true })),
  },
});
