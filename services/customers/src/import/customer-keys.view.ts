import { Injectable } from '@nestjs/common';
import { known, recordTelling, type CustomerEvent } from '@throughline/contracts';
import { derivedId, fold, plainTypes } from '@throughline/event-sourcing';
import { nameKey, normaliseEmail, registrationNumberKey } from '@throughline/language';
import { Kernel } from '@throughline/service';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Names by whose they are: a company's, a person's, or a customer's of whom nobody said which. */
export type NameKind = 'companyName' | 'personName' | 'name';
export type CustomerKeyKind = 'record' | 'email' | 'phone' | 'registrationNumber' | NameKind;

/** What the names of a record follow from. */
type Names = { kind: 'person' | 'company' | null; name: string | null; companyName: string | null };

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
  /** Of the record itself only. */
  @Column({ type: 'json', nullable: true }) names!: Names | null;
}

export const customerKeys = fold<CustomerKey, CustomerEvent>(CustomerKey, {
  name: 'customer_keys',
  version: 2,
  feed: 'customers',
  key: recordTelling('kind', 'name', 'companyName', 'registrationNumber', 'emails', 'phones'),
  on: {
    CustomerCreated: (_, fields, { stream }) => {
      const record: CustomerKey = {
        recordId: stream.id,
        kind: 'record',
        value: '',
        status: 'active',
        goldenId: stream.id,
        names: namesAfter(nameless, fields),
      };
      return [record, ...keysOf(record, fields), ...nameKeysOf(record)];
    },
    CustomerDetailsChanged: (rows, fields) => {
      const before = rows.find(({ kind }) => kind === 'record');
      if (!before) return rows;
      const record = { ...before, names: namesAfter(before.names ?? nameless, fields) };
      const stays = ({ kind }: CustomerKey) => kind in fieldOf && !(fieldOf[kind as keyof typeof fieldOf] in fields);
      return [record, ...rows.filter(stays), ...keysOf(record, fields), ...nameKeysOf(record)];
    },
    CustomerArchived: (rows) => rows.map((row) => ({ ...row, status: 'archived' })),
    CustomerRestored: (rows) => rows.map((row) => ({ ...row, status: 'active' })),
    CustomerErased: (rows) =>
      rows.filter(({ kind }) => kind === 'record').map((row) => ({ ...row, status: 'erased', names: null })),
    CustomerAbsorbed: (rows, { goldenId }) => rows.map((row) => ({ ...row, goldenId })),
    CustomerReleased: (rows) => rows.map((row) => ({ ...row, goldenId: row.recordId })),
  },
});

const fieldOf = { email: 'emails', phone: 'phones', registrationNumber: 'registrationNumber' } as const;
type Fields = Pick<
  Extract<CustomerEvent, { type: 'CustomerDetailsChanged' }>,
  'emails' | 'phones' | 'registrationNumber' | 'kind' | 'name' | 'companyName'
>;

const nameless: Names = { kind: null, name: null, companyName: null };

function namesAfter(before: Names, { kind, name, companyName }: Fields): Names {
  return {
    kind: kind === undefined ? before.kind : (known(kind) ?? null),
    name: name === undefined ? before.name : (known(name) ?? null),
    companyName: companyName === undefined ? before.companyName : (known(companyName) ?? null),
  };
}

/** A company is found by both of its names; of others, the company's name is the one that they work for. */
function nameKeysOf(record: CustomerKey): CustomerKey[] {
  const { kind, name, companyName } = record.names ?? nameless;
  const kindOfName: NameKind = kind === 'company' ? 'companyName' : kind === 'person' ? 'personName' : 'name';
  const called = kind === 'company' ? [name, companyName] : [name];
  return rowsOf(
    record,
    kindOfName,
    called.map((one) => one && nameKey(one)),
  );
}

function keysOf(record: CustomerKey, { emails, phones, registrationNumber }: Fields): CustomerKey[] {
  const values: [CustomerKeyKind, (string | null | undefined)[]][] = [
    ['email', (known(emails) ?? []).map(({ value }) => normaliseEmail(value).key)],
    ['phone', (known(phones) ?? []).map(({ e164 }) => e164)],
    ['registrationNumber', [registrationNumber && registrationNumberKey(registrationNumber)]],
  ];
  return values.flatMap(([kind, all]) => rowsOf(record, kind, all));
}

const rowsOf = (
  record: CustomerKey,
  kind: CustomerKeyKind,
  values: readonly (string | null | undefined)[],
): CustomerKey[] =>
  [...new Set(values.map((value) => value?.slice(0, longest)))].flatMap((value) =>
    value ? [{ ...record, kind, value, names: null }] : [],
  );

/** What an index can hold. */
const longest = 500;

const longestWait = 10_000;

export type FoundRecord = { recordId: string; goldenId: string; status: CustomerKey['status'] };

/** Records by what they are known by. */
@Injectable()
export class CustomerKeys {
  constructor(private readonly kernel: Kernel) {}

  /**
   * The id of the record that is made for a key such as `email:a@example.com`, by an import or an upsert: of two at once each
   * meets the record of the other. `salt` counts those of the key that others have by now.
   */
  idOfNew(key: string, salt: number): string {
    const hash = this.kernel.secrets.hmac('import-ids', key);
    return salt === 0 ? derivedId('import', hash) : derivedId('import', hash, salt);
  }

  /** Waits until it holds all that is recorded by now. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    await this.kernel.holdsAll(signal);
  }

  /** As `caughtUp`, for somebody who waits for an answer. @throws Refusal `too-busy` */
  async upToNow(): Promise<void> {
    await this.kernel.viewsHold([customerKeys], await this.kernel.feed().head(), longestWait);
  }

  /** Value -> the records that have it. */
  async withValues(
    kinds: readonly CustomerKeyKind[],
    values: readonly string[],
  ): Promise<ReadonlyMap<string, FoundRecord[]>> {
    if (values.length === 0) return new Map();
    return this.#found('kind = any($1) and value = any($2)', 'value', [kinds, values]);
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
