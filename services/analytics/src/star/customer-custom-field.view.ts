import { known, recordTelling, type CustomerEvent, type Erased } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { date, dateText, numeric, text } from './columns.view.ts';

/** Values of the fields of the installation's own, by what they are; which field holds what is said by its definition. */
@Entity()
export class CustomerCustomField {
  @PrimaryColumn('uuid') recordId!: string;
  @PrimaryColumn('text') key!: string;
  /** Of several values of one field, from 1. */
  @PrimaryColumn('int') place!: number;
  @Column(text) valueText!: string | null;
  @Column(numeric) valueNumber!: string | null;
  @Column(date) valueDate!: string | null;
  @Column({ type: 'boolean', nullable: true }) valueBoolean!: boolean | null;
}

type Custom = Readonly<Record<string, unknown>>;

export const customerCustomField = fold<CustomerCustomField, CustomerEvent>(CustomerCustomField, {
  name: 'customer_custom_field',
  version: 1,
  feed: 'customers',
  key: recordTelling('custom'),
  on: {
    CustomerCreated: (_, { custom }, { stream }) => rowsOf(stream.id, custom),
    CustomerDetailsChanged: (_, { custom }, { stream }) => rowsOf(stream.id, custom),
    CustomerErased: () => [],
  },
});

const rowsOf = (recordId: string, custom: Custom | Erased | null | undefined): CustomerCustomField[] =>
  Object.entries(known(custom) ?? {}).flatMap(([key, value]) =>
    [value].flat().flatMap((one, index) => {
      const columns = valueOf(one);
      return columns && key.length <= longestKey ? [{ recordId, key, place: index + 1, ...columns }] : [];
    }),
  );

const longestKey = 200;
const nothing = { valueText: null, valueNumber: null, valueDate: null, valueBoolean: null };

function valueOf(value: unknown): Omit<CustomerCustomField, 'recordId' | 'key' | 'place'> | undefined {
  if (typeof value === 'string') return { ...nothing, valueText: value, valueDate: dateText(day(value)) };
  if (typeof value === 'number') return { ...nothing, valueNumber: String(value) };
  if (typeof value === 'boolean') return { ...nothing, valueBoolean: value };
  const { amount, currency } = Object(value) as Record<string, unknown>;
  if (typeof amount !== 'string' || typeof currency !== 'string') return undefined;
  return /^-?\d{1,15}(\.\d{1,6})?$/.test(amount) ? { ...nothing, valueText: currency, valueNumber: amount } : undefined;
}

const day = (text: string) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined);
