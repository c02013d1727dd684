import type { ConnectionEvent, FormEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What people call what data came from: another system, a form. */
@Entity()
export class SourceName {
  @PrimaryColumn('uuid') id!: string;
  @Column({ type: 'json' }) name!: string;
}

type Named = { stream: { id: string } };

const named = (_: readonly SourceName[], { name }: { name: string }, { stream }: Named) => [{ id: stream.id, name }];
const renamed = (rows: readonly SourceName[], { name }: { name?: string }) =>
  name === undefined ? rows : rows.map((row) => ({ ...row, name }));

export const sourceNames = fold<SourceName, ConnectionEvent | FormEvent>(SourceName, {
  name: 'source_names',
  version: 1,
  feed: 'gateway',
  key: (event) => event.stream.id,
  on: {
    ConnectionMade: named,
    ConnectionChanged: renamed,
    FormMade: named,
    FormChanged: renamed,
  },
});
