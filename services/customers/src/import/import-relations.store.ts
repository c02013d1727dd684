import { Injectable } from '@nestjs/common';
import { Commands, derivedId, eachOf } from '@throughline/event-sourcing';
import { Kernel, itemId } from '@throughline/service';
import type { Group } from '../customer/customer-group.ts';
import { kindOf, linkErrors, namesCompany } from '../customer/customer-links.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { CustomerKeys, type FoundRecord, type NameKind } from './customer-keys.view.ts';
import { companyRelations } from './import-company-fields.ts';
import type { ImportMapping } from './import-mapping.ts';
import {
  companyItem,
  companyOf,
  companyToMake,
  leftOut,
  lookupKey,
  lookupsOf,
  noteKey,
  outcomeOf,
  somebodyIn,
  type Choice,
  type Lookup,
  type Outcome,
  type Round,
  type Seen,
  type Settled,
} from './import-relations.ts';
import type { Relation, RowReading } from './import-row.ts';
import { ImportRows } from './import-rows.store.ts';
import { ImportTargets } from './import-targets.store.ts';
import { asRowErrors } from './row-errors.ts';

/** A row with relations, or with what it says of companies, and the id of its record. */
export type Related = { line: number; id: string; reading: RowReading };

/** `importId`: what the ids of companies derive from; `jobId`: whose memory of the rows it is. */
export type Settling = { importId: string; jobId: string; round: Round } & Pick<ImportMapping, 'connectionId'>;

type Ended = { relation: Relation; outcome: Outcome };

const companyNames: readonly NameKind[] = ['companyName', 'name'];
const allNames: readonly NameKind[] = [...companyNames, 'personName'];
const atOnce = 16;
const mostNumbers = 10;

/** Finds the customers that rows name, among those recorded and among the other rows of the file. */
@Injectable()
export class ImportRelations {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly keys: CustomerKeys,
    private readonly targets: ImportTargets,
    private readonly rows: ImportRows,
  ) {}

  /** Line -> what its relations come to. */
  async settle(settling: Settling, rows: readonly Related[]): Promise<ReadonlyMap<number, Settled>> {
    const relations = rows.flatMap(({ reading }) => reading.relations);
    const choices = await this.#choices(relations, settling);
    const mentioned = await this.#mentioned(
      relations.filter((relation) => !choices.has(relation)),
      settling,
    );
    const ended = rows.map((row) =>
      row.reading.relations.map((relation): Ended => {
        const seen = { line: row.line, choice: choices.get(relation), mentioned: mentioned.get(relation) };
        return { relation, outcome: outcomeOf(relation, { ...seen, round: settling.round }) };
      }),
    );
    const groups = await this.#groups(ended.flat().flatMap(({ outcome }) => recordedIn(outcome)));
    return new Map(rows.map((row, index) => [row.line, this.#settled(settling, row, ended[index] ?? [], groups)]));
  }

  #settled(
    { importId }: Settling,
    { id, reading }: Related,
    ended: readonly Ended[],
    groups: ReadonlyMap<string, Group | undefined>,
  ): Settled {
    const outcomes = ended.map(({ outcome }) => outcome);
    const open = ended.flatMap(({ relation, outcome: { end } }) => (end === 'left-open' ? [relation] : []));
    const linked = ended.filter(({ outcome: { end } }) => end === 'linked').flatMap(linkIn);
    const saidOf = (field: Relation['field']) => reading.companies.find(({ role }) => companyRelations[role] === field);
    const companies = ended.flatMap(({ relation, outcome }) =>
      companyOf(relation, outcome, saidOf(relation.field), (key) => this.#idOf(importId, key)),
    );
    const named = new Set(ended.flatMap(({ relation, outcome: { end } }) => (end === 'empty' ? [] : [relation.field])));
    const unnamed = reading.companies.filter(({ role }) => !named.has(companyRelations[role]));
    const wrong = asRowErrors(reading, linkErrors(id, Object.fromEntries(ended.flatMap(linkIn)), groups));
    return {
      links: { ...somebodyIn(open), ...Object.fromEntries(linked) },
      companies,
      waits: outcomes.some(({ end }) => end === 'waits'),
      errors: [...outcomes.flatMap((outcome) => (outcome.end === 'wrong' ? [outcome.error] : [])), ...wrong],
      warnings: [
        ...outcomes.flatMap((outcome) => ('warning' in outcome ? [outcome.warning] : [])),
        ...unnamed.flatMap(leftOut),
      ],
    };
  }

  /** Whom relations mean of those recorded; nothing of one that means none of them. */
  async #choices(
    relations: readonly Relation[],
    { importId, jobId, connectionId }: Settling,
  ): Promise<ReadonlyMap<Relation, Choice>> {
    const found = await this.#found(relations.flatMap(lookupsOf), connectionId);
    const alike = Map.groupBy(relations, (relation) => JSON.stringify([relation.field, lookupsOf(relation)]));
    const choices = new Map<Relation, Choice>();
    await eachOf(alike.values(), atOnce, async (same) => {
      const [first] = same as [Relation];
      const records = lookupsOf(first)
        .map((lookup) => (found.get(lookupKey(lookup)) ?? []).filter(({ status }) => status !== 'erased'))
        .find((some) => some.length > 0);
      const choice = records && (await this.#chosen(first, records));
      if (choice) for (const relation of same) choices.set(relation, choice);
    });
    const making = [...choices].flatMap(([relation, choice]) => {
      const key = companyToMake(relation);
      return 'id' in choice && key !== undefined ? [{ relation, id: choice.id, key }] : [];
    });
    const back = await this.#broughtBack(jobId, new Set(making.map(({ id }) => id)));
    for (const { relation, id, key } of making) {
      if (id === this.#idOf(importId, key)) choices.set(relation, { id, origin: 'made' });
      else if (back.has(id)) choices.set(relation, { id, origin: 'archived' });
    }
    return choices;
  }

  /** Of companies those that the import brought back for a row before. */
  async #broughtBack(jobId: string, ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const commandOf = (id: string) => itemId({ id: jobId }, companyItem(id));
    const settled = await this.commands.settled([...ids].map(commandOf));
    return new Set([...ids].filter((id) => settled.has(commandOf(id))));
  }

  #idOf(importId: string, key: string): string {
    return derivedId('import-company', importId, this.kernel.secrets.hmac('import-ids', key));
  }

  async #found(
    lookups: readonly Lookup[],
    connectionId: string | undefined,
  ): Promise<ReadonlyMap<string, readonly FoundRecord[]>> {
    const found = new Map<string, readonly FoundRecord[]>();
    for (const [by, some] of Map.groupBy(lookups, (lookup) => lookup.by)) {
      const values = [...new Set(some.map(({ value }) => value))];
      const records =
        by === 'company' || by === 'name'
          ? await this.keys.withValues(by === 'company' ? companyNames : allNames, values)
          : await this.targets.knownBy({ matchBy: by, connectionId }, values);
      for (const [value, own] of records) found.set(lookupKey({ by, value }), own);
    }
    return found;
  }

  /** One that is active rather than one that was put away; where a company is meant, a company rather than another. */
  async #chosen({ field }: Relation, records: readonly FoundRecord[]): Promise<Choice> {
    const active = records.filter(({ status }) => status === 'active');
    const origin = active.length > 0 ? 'there' : 'archived';
    const ids = [...new Set((active.length > 0 ? active : records).map(({ goldenId }) => goldenId))];
    const [only = ''] = ids;
    if (ids.length === 1) return { id: only, origin };
    const found = await this.#groups(ids.slice(0, mostNumbers));
    const groups = [...found.values()].flatMap((group) => (group ? [group] : []));
    const companies = groups.filter((group) => kindOf(group) === 'company');
    const [company] = companies;
    const isCertain = namesCompany(field) && companies.length === 1 && ids.length <= mostNumbers;
    if (company && isCertain) return { id: company[0].id, origin };
    return { numbers: groups.map(([{ state }]) => state.number) };
  }

  /** The lines of the file whose records relations mean. */
  async #mentioned(
    relations: readonly Relation[],
    { jobId, round }: Settling,
  ): Promise<ReadonlyMap<Relation, Seen['mentioned']>> {
    if (relations.length === 0) return new Map();
    const keysOf = (relation: Relation) => lookupsOf(relation).map(noteKey);
    const lines = await this.rows.noted(jobId, [...new Set(relations.flatMap(keysOf))]);
    const rounds = await this.rows.roundsOf(jobId, [...new Set(lines.values())]);
    return new Map(
      relations.flatMap((relation) => {
        const line = keysOf(relation)
          .map((key) => lines.get(key))
          .find((one) => one !== undefined);
        if (line === undefined) return [];
        const isOpen = round === 'check' || (rounds.get(line) ?? 1) >= round.number;
        return [[relation, { line, isOpen }] as const];
      }),
    );
  }

  async #groups(ids: readonly string[]): Promise<ReadonlyMap<string, Group | undefined>> {
    const groups = new Map<string, Group | undefined>();
    await eachOf(new Set(ids), atOnce, async (id) => {
      groups.set(id, await this.customers.find(id));
    });
    return groups;
  }
}

/** The record that is named, where there is one yet. */
function recordedIn(outcome: Outcome): string[] {
  if (outcome.end === 'linked') return [outcome.id];
  return outcome.end === 'made' && 'id' in outcome.company ? [outcome.company.id] : [];
}

const linkIn = ({ relation: { field }, outcome }: Ended) => recordedIn(outcome).map((id) => [field, id] as const);
