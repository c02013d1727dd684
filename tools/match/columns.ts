import type { MatchInput } from '../../services/customers/src/matching/match-record.ts';
import { Failure } from '../operations/command.ts';

/** What a column may be; `other` is compared as text under its own name, `ignore` not at all. */
export const columnFields = [
  'name',
  'givenName',
  'familyName',
  'companyName',
  'registrationNumber',
  'nationalId',
  'email',
  'phone',
  'birthDate',
  'country',
  'province',
  'city',
  'district',
  'street',
  'streetNumber',
  'postcode',
  'other',
  'ignore',
] as const;
export type ColumnField = (typeof columnFields)[number];
export type Columns = ReadonlyMap<string, ColumnField>;

// A header without its punctuation, digits at its end apart.
const headers: Readonly<Record<string, ColumnField>> = Object.fromEntries(
  (
    [
      ['name', 'name fullname customername customer contact contactname 姓名 名称 名字 客户 客户名称 客户姓名 联系人'],
      ['givenName', 'givenname firstname forename given fname 名'],
      ['familyName', 'familyname lastname surname family lname 姓 姓氏'],
      [
        'companyName',
        'company companyname organisation organization organisationname employer firm 公司 公司名称 企业 企业名称 单位 单位名称 工作单位',
      ],
      [
        'registrationNumber',
        'registrationnumber companynumber vat vatnumber taxnumber taxid duns 统一社会信用代码 信用代码 税号 纳税人识别号',
      ],
      [
        'nationalId',
        'nationalid ssn socsecid socialsecuritynumber idnumber idcard passport 身份证 身份证号 身份证号码 证件号 证件号码',
      ],
      ['email', 'email emailaddress mail 邮箱 电子邮箱 电子邮件 邮件'],
      [
        'phone',
        'phone phonenumber telephone tel mobile mobilephone cell cellphone fax 电话 电话号码 手机 手机号 手机号码 联系电话 座机',
      ],
      ['birthDate', 'birthdate dateofbirth dob birthday born 生日 出生日期 出生年月日'],
      ['country', 'country countrycode 国家'],
      ['province', 'province state region county 省 省份'],
      ['city', 'city town suburb locality 市 城市'],
      ['district', 'district borough 区 区县 县'],
      ['street', 'street streetname address addressline streetaddress 地址 街道 详细地址 联系地址'],
      ['streetNumber', 'streetnumber housenumber streetno houseno 门牌 门牌号'],
      ['postcode', 'postcode postalcode zip zipcode 邮编 邮政编码'],
      ['ignore', 'id recid recordid rownumber 编号 序号'],
    ] as const
  ).flatMap(([field, names]) => names.split(' ').map((name) => [name, field])),
);

const looks: readonly [ColumnField, RegExp][] = [
  ['email', /^[^@\s]+@[^@\s]+\.[^@\s]+$/u],
  ['phone', /^(?:\+\d[\d\s()-]{7,}|(?:86)?1[3-9]\d{9}|\(?0\d{2,3}\)?[- ]?\d{7,8})$/u],
  ['nationalId', /^\d{6}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]$/iu],
  ['registrationNumber', /^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/u],
  ['birthDate', /^(?:19\d{2}|200\d)[-/.年]?(?:0?[1-9]|1[0-2])[-/.月]?(?:0?[1-9]|[12]\d|3[01])日?$/u],
  ['companyName', /(?:公司|集团|\b(?:inc|ltd|llc|gmbh|corp)\.?)$/iu],
];
const cellsLookedAt = 500;
const shareAlike = 0.8;

/** What a column is, by its header, or by what most of its cells look like. */
export function guessField(header: string, cells: readonly string[]): ColumnField {
  const plain = header
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
  const bare = plain.replace(/\d+$/u, '');
  // A second line of an address is mostly a house's name: text of its own.
  if (bare !== plain && headers[bare] === 'street' && !plain.endsWith('1')) return 'other';
  if (Object.hasOwn(headers, bare)) return headers[bare]!;
  const filled = cells.filter((cell) => cell !== '').slice(0, cellsLookedAt);
  const alike = looks.find(([, look]) => filled.filter((cell) => look.test(cell)).length > filled.length * shareAlike);
  return alike?.[0] ?? 'other';
}

/**
 * Reads `column=field,…`.
 * @throws Failure at a column that is not there, or what is no field
 */
export function readMap(text: string, header: readonly string[]): Map<string, ColumnField> {
  return new Map(
    text.split(',').map((part) => {
      const at = part.lastIndexOf('=');
      const [column, field] = [part.slice(0, Math.max(0, at)).trim(), part.slice(at + 1).trim()];
      const known = columnFields.find((each) => each === field);
      if (at < 0 || !known) throw new Failure(`--map ${part}: not column=${columnFields.join('|')}`);
      return [columnOf(column, header), known];
    }),
  );
}

/** @throws Failure that names the columns that are there */
export function columnOf(name: string, header: readonly string[]): string {
  if (!header.includes(name)) throw new Failure(`there is no column ${name}: ${header.join(', ')}`);
  return name;
}

/** The record of a row; a file without companies has persons only, one with companies alone has no persons. */
export function inputOf(id: string, row: ReadonlyMap<string, string>, columns: Columns): MatchInput {
  const all = (field: ColumnField) =>
    [...columns].flatMap(([column, of]) => (of === field && row.get(column) ? [row.get(column)!] : []));
  const first = (field: ColumnField) => all(field)[0];
  const street = [...all('streetNumber'), ...all('street')].join(' ');
  const others = [...columns].filter(([column, field]) => field === 'other' && row.get(column));
  return {
    id,
    kind: kindOf(columns),
    name: all('name'),
    givenName: all('givenName'),
    familyName: all('familyName'),
    companyName: all('companyName'),
    registrationNumber: all('registrationNumber'),
    nationalId: all('nationalId'),
    emails: all('email'),
    phones: all('phone'),
    birthDate: all('birthDate'),
    addresses: [
      {
        country: first('country'),
        province: first('province'),
        city: first('city'),
        district: first('district'),
        postcode: first('postcode'),
        street,
      },
    ],
    other: Object.fromEntries(others.map(([column]) => [column, row.get(column)!])),
  };
}

function kindOf(columns: Columns): MatchInput['kind'] {
  const has = (...fields: ColumnField[]) => [...columns.values()].some((field) => fields.includes(field));
  const [persons, companies] = [
    has('givenName', 'familyName', 'birthDate', 'nationalId'),
    has('companyName', 'registrationNumber'),
  ];
  if (persons && !companies) return 'person';
  return companies && !persons && !has('name') ? 'company' : undefined;
}
