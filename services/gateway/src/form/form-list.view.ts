import type { FormEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class FormRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') key!: string;
  @Column('text') name!: string;
  @Column('boolean') active!: boolean;
  @Column('boolean') archived!: boolean;
  @Column('int') submissions!: number;
  @Column({ type: 'timestamptz', nullable: true }) lastSubmittedAt!: string | null;
  @Column('timestamptz') createdAt!: string;
}

export const formList = fold<FormRow, FormEvent>(FormRow, {
  name: 'form_list',
  version: 1,
  feed: 'gateway',
  key: (event) => (event.type === 'FormSubmitted' ? (event.data as { formId: string }).formId : event.stream.id),
  by: 'id',
  on: {
    FormMade: (_, { key, name, active }, { stream, recordedAt }) => [
      {
        id: stream.id,
        key,
        name,
        active,
        archived: false,
        submissions: 0,
        lastSubmittedAt: null,
        createdAt: recordedAt,
      },
    ],
    FormChanged: (rows, { name, active }) =>
      rows.map((row) => ({ ...row, name: name ?? row.name, active: active ?? row.active })),
    FormArchived: (rows) => rows.map((row) => ({ ...row, archived: true })),
    FormSubmitted: (rows, _, { recordedAt }) =>
      rows.map((row) => ({ ...row, submissions: row.submissions + 1, lastSubmittedAt: recordedAt })),
  },
});
