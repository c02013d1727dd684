import type { ConnectionEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What people call the system that data came from. */
@Entity()
export class ConnectionName {
  @PrimaryColumn('uuid') id!: string;
  @Column({ type: 'json' }) name!: string;
}

export const connectionNames = fold<ConnectionName, ConnectionEvent>(ConnectionName, {
  name: 'connection_names',
  version: 1,
  feed: 'gateway',
  key: (event) => event.stream.id,
  on: {
    ConnectionMade: (_, { name }, { stream }) => [{ id: stream.id, name }],
    ConnectionChanged: (rows, { name }) => (name === undefined ? rows : rows.map((row) => ({ ...row, name }))),
  },
});
