import { Injectable } from '@nestjs/common';
import { known, recordTelling, type CustomerEvent, type CustomerFields } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { companyFromEmail } from '@throughline/language';
import { Column, DataSource, Entity, In, Index, PrimaryColumn } from 'typeorm';

/** A domain of a record's e-mail addresses, with what tells the company; of an empty domain where it has none. */
@Entity()
export class CompanyDomain {
  @PrimaryColumn('uuid') id!: string;
  @Index() @PrimaryColumn('text') domain!: string;
  @Column({ type: 'text', nullable: true }) kind!: string | null;
  // JSON, since a text column does not take everything.
  @Column({ type: 'json', nullable: true }) name!: string | null;
  @Column({ type: 'json', nullable: true }) companyName!: string | null;
}

const domainsOf = (emails: CustomerFields['emails']): string[] => [
  ...new Set((emails ?? []).flatMap(({ value }) => companyFromEmail(value)?.value.domain ?? [])),
];

type Said = { [F in 'kind' | 'name' | 'companyName' | 'emails']?: unknown };

function after(rows: readonly CompanyDomain[], id: string, data: Said): CompanyDomain[] {
  const [before] = rows;
  const told = <F extends keyof Said>(field: F, was: string | null = null): string | null =>
    field in data ? ((known(data[field]) as string | undefined) ?? null) : was;
  const emails = (known(data.emails) as CustomerFields['emails']) ?? [];
  const domains = 'emails' in data ? domainsOf(emails) : rows.map(({ domain }) => domain);
  const row = {
    id,
    kind: told('kind', before?.kind),
    name: told('name', before?.name),
    companyName: told('companyName', before?.companyName),
  };
  return (domains.length > 0 ? domains : ['']).map((domain) => ({ ...row, domain }));
}

export const companyDomains = fold<CompanyDomain, CustomerEvent>(CompanyDomain, {
  name: 'company_domains',
  version: 1,
  feed: 'customers',
  key: recordTelling('kind', 'name', 'companyName', 'emails'),
  on: {
    CustomerCreated: (_, data, { stream }) => after([], stream.id, data),
    CustomerDetailsChanged: (rows, data, { stream }) => after(rows, stream.id, data),
    CustomerErased: () => [],
  },
});

/** Most records of the same domains that are looked at. */
const most = 500;

@Injectable()
export class CompaniesByDomain {
  constructor(private readonly database: DataSource) {}

  /** The company of each domain, as most of its records name it. */
  async of(domains: readonly string[]): Promise<Readonly<Record<string, string>>> {
    if (domains.length === 0) return {};
    const rows = await this.database
      .getRepository(CompanyDomain)
      .find({ where: { domain: In([...domains]) }, order: { id: 'ASC' }, take: most });
    return companiesOf(rows);
  }
}

export function companiesOf(rows: readonly CompanyDomain[]): Readonly<Record<string, string>> {
  const found = Map.groupBy(rows, ({ domain }) => domain);
  return Object.fromEntries(
    [...found].flatMap(([domain, own]) => {
      const names = own.flatMap(
        ({ kind, name, companyName }) => companyName ?? (kind === 'company' ? name : null) ?? [],
      );
      const counted = [...Map.groupBy(names, (name) => name)].toSorted(([, a], [, b]) => b.length - a.length);
      return counted[0] ? [[domain, counted[0][0]]] : [];
    }),
  );
}
