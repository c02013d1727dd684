import type { Phone } from '@throughline/contracts';
import { extensionOf } from '@throughline/language';
import type { CustomerInput } from '../customer/customer-fields.ts';

const longestLine = 75;
const types: Readonly<Record<string, string>> = { work: 'work', home: 'home', mobile: 'cell', fax: 'fax' };

/** Fields, and by which rules the inferred ones among them came about. */
type Shown = CustomerInput & { inferred?: Readonly<Record<string, string>> };

/** A customer as a vCard 4.0 (RFC 6350). An address that was only inferred is a place at best: it is left out. */
export function vcardOf(id: string, fields: Shown): string {
  const { name, givenName, familyName, companyName, department, title, birthDate, gender } = fields;
  const { emails, phones, socials, tags, custom } = fields;
  const addresses = fields.inferred?.['addresses'] === undefined ? fields.addresses : [];
  const { website, note } = (custom ?? {}) as { website?: unknown; note?: unknown };
  const sex = { male: 'M', female: 'F' }[gender ?? ''];
  const lines = [
    'BEGIN:VCARD',
    'VERSION:4.0',
    `UID:urn:uuid:${id}`,
    `KIND:${fields.kind === 'company' ? 'org' : 'individual'}`,
    `FN:${escaped(name ?? '')}`,
    familyName || givenName
      ? `N:${[familyName, givenName, '', '', ''].map((part) => escaped(part ?? '')).join(';')}`
      : '',
    companyName
      ? `ORG:${[companyName, department]
          .filter(Boolean)
          .map((part) => escaped(part ?? ''))
          .join(';')}`
      : '',
    title ? `TITLE:${escaped(title)}` : '',
    ...(emails ?? []).map((one) => `EMAIL${paramsOf(one)}:${escaped(one.value)}`),
    ...(phones ?? []).map(telOf),
    ...(addresses ?? []).map((one) => {
      const street = [one.street, one.district].filter(Boolean).join(', ');
      const parts = ['', '', street, one.city, one.province, one.postcode, one.country];
      return `ADR${paramsOf(one)}:${parts.map((part) => escaped(part ?? '')).join(';')}`;
    }),
    ...(socials ?? []).map(({ network, value }) => `X-SOCIALPROFILE;TYPE=${parameter(network)}:${escaped(value)}`),
    birthDate ? `BDAY:${birthDate.replaceAll('-', '')}` : '',
    sex ? `GENDER:${sex}` : '',
    tags?.length ? `CATEGORIES:${tags.map(escaped).join(',')}` : '',
    typeof website === 'string' ? `URL:${escaped(website)}` : '',
    typeof note === 'string' ? `NOTE:${escaped(note)}` : '',
    'END:VCARD',
  ];
  return lines
    .filter((line) => line !== '')
    .map((line) => `${folded(line)}\r\n`)
    .join('');
}

/** A number with an extension is an address (RFC 3966), as text has no form for it. */
function telOf(phone: Phone): string {
  const { value, e164 } = phone;
  const extension = e164 === undefined ? null : extensionOf(value, e164);
  if (extension === null) return `TEL${paramsOf(phone)}:${escaped(e164 ?? value)}`;
  return `TEL;VALUE=uri${paramsOf(phone)}:tel:${e164};ext=${extension}`;
}

const escaped = (text: string): string =>
  text.replace(/[\\;,]/g, (character) => `\\${character}`).replace(/\r\n|\r|\n/g, '\\n');

/** A parameter cannot say everything: quotes and line ends have no place in it. */
const parameter = (text: string): string => `"${text.replace(/["\r\n]/g, ' ')}"`;

function paramsOf({ label, primary }: { label?: string; primary?: boolean }): string {
  const type = label && types[label];
  return `${type ? `;TYPE=${type}` : ''}${primary ? ';PREF=1' : ''}`;
}

/** Lines of at most 75 bytes, never broken within a character. */
function folded(line: string): string {
  const lines: string[] = [];
  let current = '';
  for (const character of line) {
    if (Buffer.byteLength(current) + Buffer.byteLength(character) > longestLine) {
      lines.push(current);
      current = ' ';
    }
    current += character;
  }
  return [...lines, current].join('\r\n');
}
