import { Injectable } from '@nestjs/common';
import { known, type CustomerEvent } from '@throughline/contracts';
import { fold, plainTypes } from '@throughline/event-sourcing';
import { normaliseEmail } from '@throughline/language';
import { Kernel } from '@throughline/service';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export type CustomerKeyKind = 'record' | 'email' | 'phone' | 'registrationNumber';

/** What a record can be found by, besides what is claimed: one row a value, and one of the record itself. */
@Entity()
@Index(['kind', 'value'])
export class CustomerKey {
  @PrimaryColumn('uuid') recordId!: string;
  @PrimaryColumn('text') kind!: CustomerKeyKind;
  @PrimaryColumn('text') value!: string;
  @Column('text') status!: 'active' | 'archived' | 'erased';
  /** The customer that it is part of: its own id unless it was merged. */
  @Column('uuid') goldenId!: string;
}

export const customerKeys = fold<CustomerKey, CustomerEvent>(CustomerKey, {
  name: 'customer_keys',
  version: 1,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    CustomerCreated: (_, fields, { stream }) => {
      const record: CustomerKey = {
        recordId: stream.id,
        kind: 'record',
        value: '',
        status: 'active',
        goldenId: stream.id,
      };
      return [record, ...keysOf(record, fields)];
    },
    CustomerDetailsChanged: (rows, fields) => {
      const record = rows.find(({ kind }) => kind === 'record');
      if (!record) return rows;
      const stays = ({ kind }: CustomerKey) => kind === 'record' || !(fieldOf[kind] in fields);
      return [...rows.filter(stays), ...keysOf(record, fields)];
    },
    CustomerArchived: (rows) => rows.map((row) => ({ ...row, status: 'archived' })),
    CustomerRestored: (rows) => rows.map((row) => ({ ...row, status: 'active' })),
    CustomerErased: (rows) => rows.filter(({ kind }) => kind === 'record').map((row) => ({ ...row, status: 'erased' })),
    CustomerAbsorbed: (rows, { goldenId }) => rows.map((row) => ({ ...row, goldenId })),
    CustomerReleased: (rows) => rows.map((row) => ({ ...row, goldenId: row.recordId })),
  },
});

const fieldOf = { email: 'emails', phone: 'phones', registrationNumber: 'registrationNumber' } as const;
type Fields = Pick<
  Extract<CustomerEvent, { type: 'CustomerDetailsChanged' }>,
  'emails' | 'phones' | 'registrationNumber'
>;

function keysOf(record: CustomerKey, { emails, phones, registrationNumber }: Fields): CustomerKey[] {
  const values: [CustomerKeyKind, (string | null | undefined)[]][] = [
    ['email', (known(emails) ?? []).map(({ value }) => normaliseEmail(value).key)],
    ['phone', (known(phones) ?? []).map(({ e164 }) => e164)],
    ['registrationNumber', [registrationNumber && registrationKey(registrationNumber)]],
  ];
  return values.flatMap(([kind, all]) =>
    [...new Set(all)].flatMap((value) => (value ? [{ ...record, kind, value: value.slice(0, longest) }] : [])),
  );
}

/** Numbers of a register without what people put between. */
const registrationKey = (number: string) => number.normalize('NFKC').replace(/\s/g, '').toUpperCase();

/** What an index can hold. */
const longest = 500;

export type FoundRecord = { recordId: string; goldenId: string; status: CustomerKey['status'] };

/** Records by what they are known by. */
@Injectable()
export class CustomerKeys {
  constructor(private readonly kernel: Kernel) {}

  /** Waits until it holds all that is recorded by now. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    const head = await this.kernel.feed().head();
    const positions = new Map([['customers', head]]);
    while (!signal.aborted && !(await this.kernel.caughtUp(positions, waitMilliseconds)));
  }

  /** Value -> the records that have it. */
  async withValues(kind: CustomerKeyKind, values: readonly string[]): Promise<ReadonlyMap<string, FoundRecord[]>> {
    return this.#found('kind = $1 and value = any($2)', 'value', [kind, values]);
  }

  /** Id -> the record. */
  async withIds(ids: readonly string[]): Promise<ReadonlyMap<string, FoundRecord>> {
    const found = await this.#found(`kind = $1 and value = '' and record_id = any($2)`, 'record_id', ['record', ids]);
    return new Map([...found].map(([id, [record]]) => [id, record as FoundRecord]));
  }

  async #found(where: string, by: string, values: unknown[]): Promise<ReadonlyMap<string, FoundRecord[]>> {
    const { rows } = await this.kernel.pool.query<FoundRecord & { by: string }>({
      text: `select ${by} as by, record_id as "recordId", golden_id as "goldenId", status
        from "${customerKeys.table}" where ${where} order by record_id`,
      values,
      types: plainTypes,
    });
    return Map.groupBy(rows, ({ by: value }) => value);
  }
}

const waitMilliseconds = 5_000;
