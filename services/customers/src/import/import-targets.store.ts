import { Injectable } from '@nestjs/common';
import { Commands, derivedId, recordId } from '@throughline/event-sourcing';
import { customer } from '../customer/customer.ts';
import { claimsMeant, holderAmong, numberKey } from '../customer/unique-keys.ts';
import { CustomerKeys, type CustomerKeyKind, type FoundRecord } from './customer-keys.view.ts';
import type { ImportMapping, MatchKey } from './import-mapping.ts';

/** The record that a row is about, one that is there or one to be made; or that it is not certain. */
export type Target = { id: string; isThere: boolean; isGrouped: boolean } | 'several';

/** A row by what it is known by; without values it is always a new one. */
export type Sought = { line: number; values: readonly string[] };

const byValue: Readonly<Partial<Record<MatchKey, CustomerKeyKind>>> = {
  email: 'email',
  phone: 'phone',
  registrationNumber: 'registrationNumber',
};

/**
 * Finds the records that rows are about. The id of a new one derives from what the row is known by: two imports of the
 * same file at once name the same records.
 */
@Injectable()
export class ImportTargets {
  constructor(
    private readonly commands: Commands,
    private readonly keys: CustomerKeys,
  ) {}

  /** Line -> its record. */
  async find(importId: string, mapping: ImportMapping, rows: readonly Sought[]): Promise<ReadonlyMap<number, Target>> {
    const targets = new Map<number, Target>();
    let open = rows.filter(({ values }) => values.length > 0);
    for (const { line, values } of rows) {
      if (values.length === 0) targets.set(line, made(derivedId('import', importId, line)));
    }
    for (let salt = 0; open.length > 0; salt += 1) {
      const idOf = ({ values: [value = ''] }: Sought) => this.#idOf(mapping, value, salt);
      // In this order: what is made in between is found by its value then, not by its id alone.
      const taken = await this.keys.withIds(open.map(idOf));
      const found = await this.knownBy(mapping, [...new Set(open.flatMap(({ values }) => values))]);
      open = open.filter((row) => {
        const id = idOf(row);
        const target = targetOf(row.values.flatMap((value) => found.get(value) ?? []));
        const isFree = !taken.has(id) || isNamed(mapping);
        if (!target && !isFree) return true;
        targets.set(row.line, target ?? made(id));
        return false;
      });
    }
    return targets;
  }

  /** Value -> the records that are known by it. */
  async knownBy(
    { matchBy, connectionId }: Pick<ImportMapping, 'matchBy' | 'connectionId'>,
    values: readonly string[],
  ): Promise<ReadonlyMap<string, FoundRecord[]>> {
    const kind = byValue[matchBy];
    if (kind) return this.keys.withValues([kind], values);
    const idOf = (value: string) => (connectionId && matchBy === 'externalId' ? recordId(connectionId, value) : value);
    const ids =
      matchBy === 'number' ? await this.#holders(values) : new Map(values.map((value) => [value, idOf(value)]));
    const records = await this.keys.withIds([...ids.values()]);
    return new Map(
      [...ids].flatMap(([value, id]) => {
        const record = records.get(id) ?? (matchBy === 'number' ? unseen(id) : undefined);
        return record ? [[value, [record]]] : [];
      }),
    );
  }

  /** A number belongs to its customer for ever. */
  async #holders(numbers: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const claimOf = (number: string) => `number:${number}`;
    const claims = numbers.flatMap((number) => claimsMeant(claimOf(number)));
    const holders = await this.commands.holdersOf(customer.category, [...new Set(claims)]);
    return new Map(
      numbers.flatMap((number) => {
        const holder = holderAmong(holders, claimOf(number));
        return holder === undefined ? [] : [[number, holder] as const];
      }),
    );
  }

  #idOf({ matchBy, connectionId }: ImportMapping, value: string, salt: number): string {
    if (matchBy === 'id') return value;
    if (matchBy === 'externalId') return recordId(connectionId as string, value);
    return this.keys.idOfNew(`${matchBy}:${matchBy === 'number' ? numberKey(value) : value}`, salt);
  }
}

/** The row says itself what its record's id is. */
const isNamed = ({ matchBy }: ImportMapping): boolean => matchBy === 'id' || matchBy === 'externalId';

const made = (id: string): Target => ({ id, isThere: false, isGrouped: false });
/** The view has not come to it yet. */
const unseen = (id: string): FoundRecord => ({ recordId: id, goldenId: id, status: 'active' });

/** One that is active rather than one that was put away; never one that was erased, unless it was named. */
function targetOf(found: readonly FoundRecord[]): Target | undefined {
  for (const status of ['active', 'archived', 'erased'] as const) {
    const records = found.filter((one) => one.status === status);
    const [first] = records;
    if (!first) continue;
    if (records.some(({ goldenId }) => goldenId !== first.goldenId)) return 'several';
    const isGrouped = records.some(({ goldenId, recordId: id }) => goldenId !== id);
    return { id: first.goldenId, isThere: true, isGrouped };
  }
  return undefined;
}
