import type { Refusal } from '@throughline/event-sourcing';
import type { CustomerInput } from '../customer/customer-fields.ts';
import type { ImportCustomer, ImportPolicies } from '../customer/customer-import.ts';
import type { NamedCompany } from './import-relations.ts';
import { columnOf, type CompanyReading, type RowError } from './import-row.ts';
import type { PlannedRow } from './planned-row.ts';
import { asRowErrors, relationError } from './row-errors.ts';

/**
 * What is to be done about a company: make it, bring it back, or have it know what is `said` of it. Alike ones have one `key`. Where
 * the last word counts, `line` is that of the row from which on it is said.
 */
export type CompanyTask = {
  key: string;
  company: NamedCompany;
  said: { row: CustomerInput; policies: ImportPolicies } | undefined;
  line?: number;
};

/** Task -> why it cannot be done. */
export type NotDone = ReadonlyMap<string, Refusal>;

/** Each once, in the order of the rows; what overwrites once more where something else was said since. */
export function companyTasks(rows: readonly PlannedRow[]): CompanyTask[] {
  const tasks: CompanyTask[] = [];
  const keys = new Set<string>();
  /** Company -> the key of what overwrote it last. */
  const last = new Map<string, string>();
  for (const row of rows) {
    for (const task of companiesOf(row).flatMap(tasksOf)) {
      const { key, company } = task;
      const isLastWord = Object.values(task.said?.policies ?? {}).includes('overwrite');
      if (isLastWord ? last.get(company.id) === key : keys.has(key)) continue;
      keys.add(key);
      if (isLastWord) last.set(company.id, key);
      tasks.push(isLastWord ? { ...task, line: row.line } : task);
    }
  }
  return tasks;
}

/** What is made has the name that the row gives it; of one that is there, it names it at most. */
export const companyCommand = ({ company: { name, status }, said }: CompanyTask, number: string): ImportCustomer => ({
  type: 'ImportCustomer',
  number,
  mode: status === 'there' ? 'update' : 'both',
  row: { kind: 'company', name, ...said?.row },
  policies: { ...said?.policies, kind: 'never', name: 'never' },
});

/** The keys of those that only make a company, where it is there: what another row says of it was enough to make it. */
export const madeOtherwise = (tasks: readonly CompanyTask[], isThere: (id: string) => boolean): string[] =>
  tasks.flatMap(({ key, company, said }) => (!said && isThere(company.id) ? [key] : []));

/** A row whose company cannot be made, or cannot be what the row says, is not carried out either. */
export function withoutNotDone(row: PlannedRow, notDone: NotDone): PlannedRow {
  const errors = companiesOf(row).flatMap((company) =>
    tasksOf(company).flatMap(({ key }) => {
      const refusal = notDone.get(key);
      return refusal ? errorsOf(company, refusal) : [];
    }),
  );
  if (errors.length === 0) return row;
  const { line, cells, reading } = row;
  return { line, cells, reading, fate: 'failed', errors };
}

export const companiesOf = (row: PlannedRow): readonly NamedCompany[] =>
  row.fate === 'command' || row.fate === 'edit' ? row.companies : [];

/** One that comes back does so by a command that can be told, whatever rows say of it. */
function tasksOf(company: NamedCompany): CompanyTask[] {
  const { id, status, said } = company;
  const bare = { key: id, company, said: undefined };
  if (!said) return status === 'there' ? [] : [bare];
  const given = asGiven(said);
  const telling = { key: `${id} ${JSON.stringify(given)}`, company, said: given };
  return status === 'archived' ? [bare, telling] : [telling];
}

/** A company that many rows name keeps what it has, unless the mapping says otherwise. */
function asGiven({ reading: { row, policies } }: CompanyReading): NonNullable<CompanyTask['said']> {
  const fields = Object.keys(row).map((field) => [field, policies[field] ?? 'if-empty'] as const);
  const own = Object.keys(row.custom ?? {}).flatMap((key) => {
    const policy = policies[`custom.${key}`];
    return policy ? [[`custom.${key}`, policy] as const] : [];
  });
  return { row, policies: Object.fromEntries([...fields, ...own]) };
}

/** In the columns that are to blame, or else in that of the relation. */
function errorsOf({ relation, status, said }: NamedCompany, { code, errors }: Refusal): RowError[] {
  const columns = errors.map(({ path }) => (said ? columnOf(path, said.reading) : null));
  const known = said
    ? asRowErrors(
        said.reading,
        errors.filter((_, index) => columns[index] !== null),
      )
    : [];
  const others = errors.flatMap(({ path }, index) => (columns[index] === null ? [path] : []));
  if (known.length > 0 && others.length === 0) return known;
  const told = status === 'there' ? 'relation-not-changed' : 'relation-not-made';
  return [...known, relationError(relation, told, { fields: others.join(', ') || code })];
}
