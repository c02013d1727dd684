import type { FieldEvent, FieldOption, FieldType } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text } from './columns.view.ts';

/** The fields that the installation gave its records. */
@Entity()
export class CustomField {
  /** `<object>.<key>` */
  @PrimaryColumn('text') id!: string;
  @Column('text') object!: string;
  @Column('text') key!: string;
  @Column('text') type!: FieldType;
  @Column(text) labelEn!: string | null;
  @Column(text) labelZh!: string | null;
  @Column(text) fieldGroup!: string | null;
  @Column('text') sensitivity!: string;
  @Column('json') options!: readonly FieldOption[];
  @Column('boolean') retired!: boolean;
}

export const customField = fold<CustomField, FieldEvent>(CustomField, {
  name: 'custom_field',
  version: 2,
  feed: 'customers',
  key: ({ data }) => ('key' in data ? idOf(data as { object: string; key: string }) : undefined),
  on: {
    FieldDefined: (_, { object, key, fieldType: type, label, group, sensitivity, options }) => [
      {
        id: idOf({ object, key }),
        object,
        key,
        type,
        labelEn: label?.en ?? null,
        labelZh: label?.zh ?? null,
        fieldGroup: group ?? null,
        sensitivity: sensitivity ?? 'personal',
        options: options ?? [],
        retired: false,
      },
    ],
    FieldChanged: (rows, { label, group, sensitivity, options }) =>
      rows.map((row) => ({
        ...row,
        ...(label && { labelEn: label.en ?? null, labelZh: label.zh ?? null }),
        ...(group !== undefined && { fieldGroup: group }),
        ...(sensitivity !== undefined && { sensitivity }),
        ...(options && { options }),
      })),
    FieldRetired: (rows) => rows.map((row) => ({ ...row, retired: true })),
    FieldRestored: (rows) => rows.map((row) => ({ ...row, retired: false })),
  },
});

const idOf = ({ object, key }: { object: string; key: string }) => `${object}.${key}`;
