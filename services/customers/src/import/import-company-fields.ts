import { importFieldOf, recordFieldOf, type ImportField } from './import-fields.ts';

/** The companies of which a row may say more than who they are, and the relations that name them. */
export const companyRelations = { employer: 'employerId', parent: 'parentId' } as const;
export type CompanyRole = keyof typeof companyRelations;
export const companyRoles = Object.keys(companyRelations) as CompanyRole[];

/** Its name is what the relation finds it by. */
const ofCompanies = new Set([
  'registrationNumber',
  'phones',
  'emails',
  'addresses',
  'socials',
  'type',
  'source',
  'industry',
  'size',
  'region',
  'tags',
  'lifecycle',
  'ownerId',
  'custom',
]);

/** As it is read where it is said of a company: whom that one names is told by id. */
export const ofCompany = (field: ImportField): ImportField => (field.custom ? { ...field, kind: 'custom' } : field);

/** `employer.phones`: the `phones` of the employer; undefined of a field of the row itself. */
export function companyFieldOf(name: string): { role: CompanyRole; field: string } | undefined {
  const [, role, field] = /^(employer|parent)\.(.+)$/.exec(name) ?? [];
  return field === undefined ? undefined : { role: role as CompanyRole, field };
}

/** The field of that name, of the row itself or of a company that it names. */
export function mappedFieldOf(fields: readonly ImportField[], name: string): ImportField | undefined {
  const { field = name, role } = companyFieldOf(name) ?? {};
  const found = importFieldOf(fields, field);
  if (!role || !found) return found;
  return ofCompanies.has(recordFieldOf(field)) ? ofCompany(found) : undefined;
}

/** Whether there can be a policy of that name: `phones`, or `employer.phones`. */
export function hasPolicy(fields: readonly ImportField[], name: string): boolean {
  const { field = name, role } = companyFieldOf(name) ?? {};
  const isOwn = recordFieldOf(field) === 'custom' && (field === 'custom' || importFieldOf(fields, field) !== undefined);
  if (role) return ofCompanies.has(field) || isOwn;
  return isOwn || field === 'socials' || fields.some((one) => recordFieldOf(one.field) === field);
}

const names: Readonly<Record<CompanyRole, { en: string; zh: string; prefixes: readonly string[] }>> = {
  employer: {
    en: 'Employer',
    zh: '任职公司',
    prefixes: ['employer', 'company', '任职公司', '所属公司', '所在公司', '公司', '单位', '企业'],
  },
  parent: { en: 'Parent company', zh: '上级公司', prefixes: ['parent company', '上级公司', '母公司', '总公司'] },
};

/** What columns of a company are called where another one names it: `Employer: Phone`, `Company phone`, `公司电话`. */
export const companyFields = (fields: readonly ImportField[], role: CompanyRole): ImportField[] =>
  fields
    .filter(({ field }) => ofCompanies.has(recordFieldOf(field)))
    .map((own) => {
      const { en, zh, prefixes } = names[role];
      const called = [own.label.en, own.label.zh, ...(own.aliases ?? [])];
      return {
        ...ofCompany(own),
        field: `${role}.${own.field}`,
        label: { en: `${en}: ${own.label.en}`, zh: `${zh}：${own.label.zh}` },
        aliases: prefixes.flatMap((prefix) => called.map((name) => `${prefix} ${name}`)),
      };
    });
