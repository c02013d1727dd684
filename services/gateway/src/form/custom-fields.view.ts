import { Injectable } from '@nestjs/common';
import type { FieldEvent, FieldOption, FieldType, FormField, Translated } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, DataSource, Entity, In, PrimaryColumn } from 'typeorm';

@Entity()
export class CustomFieldRow {
  @PrimaryColumn('text') key!: string;
  @Column('text') type!: FieldType;
  @Column('jsonb') label!: Translated;
  @Column('jsonb', { nullable: true }) help!: Translated | null;
  @Column('jsonb') required!: string[];
  @Column('jsonb') options!: FieldOption[];
  @Column('boolean') retired!: boolean;
}

/** The fields that the installation gave its customers, as forms show them. */
export const customFields = fold<CustomFieldRow, FieldEvent>(CustomFieldRow, {
  name: 'custom_fields',
  version: 1,
  feed: 'customers',
  key: ({ data }) => ('key' in data && data.object === 'customer' ? (data.key as string) : undefined),
  on: {
    FieldDefined: (_, { key, fieldType: type, label = {}, help = null, required = [], options = [] }) => [
      { key, type, label, help, required, options, retired: false },
    ],
    FieldChanged: (rows, { label, help, required, options }) =>
      rows.map((row) => ({
        ...row,
        ...(label && { label }),
        ...(help && { help }),
        ...(required && { required }),
        ...(options && { options }),
      })),
    FieldRetired: (rows) => rows.map((row) => ({ ...row, retired: true })),
    FieldRestored: (rows) => rows.map((row) => ({ ...row, retired: false })),
  },
});

@Injectable()
export class KnownCustomFields {
  constructor(private readonly database: DataSource) {}

  /** Those that a form asks for, by key. */
  async askedBy({ fields }: { fields: readonly FormField[] }): Promise<ReadonlyMap<string, CustomFieldRow>> {
    const keys = fields.flatMap(({ field }) => (field.startsWith('custom.') ? [field.slice('custom.'.length)] : []));
    if (keys.length === 0) return new Map();
    const rows = await this.database.getRepository(CustomFieldRow).findBy({ key: In(keys) });
    return new Map(rows.map((row) => [row.key, row]));
  }
}
