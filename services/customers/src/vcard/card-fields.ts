import type { Address, CustomerFields, Social } from '@throughline/contracts';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { partsOf, unescaped, type Card, type Property } from './vcard.ts';

/** The telling ones first: a fax at work is no number to call. */
const labels = ['fax', 'pager', 'cell', 'work', 'home', 'main', 'other'];
/** Extensions in use whose name says the network. */
const ofNetwork =
  /^X-(WECHAT|WEIXIN|QQ|WEIBO|SKYPE|LINE|WHATSAPP|TELEGRAM|DINGTALK|TWITTER|FACEBOOK|LINKEDIN)(?:-ID)?$/;

/** What a card says, as fields of a customer; a business card's source unless said otherwise. */
export function fieldsOf(card: Card): CustomerInput {
  const all = (name: string) => card.filter((property) => property.name === name && property.value.trim() !== '');
  const first = (name: string) => all(name).map(({ value }) => unescaped(value))[0] || undefined;
  const [familyName, given, additional] = partsOf(all('N')[0]?.value ?? '', ';').map((part) =>
    part.replaceAll(',', ' '),
  );
  const [companyName, ...units] = partsOf(all('ORG')[0]?.value ?? '', ';');
  const givenName = [given, additional].filter(Boolean).join(' ');
  const emails = all('EMAIL').map((one) => ({ value: unescaped(one.value).replace(/^mailto:/i, ''), ...usedFor(one) }));
  const phones = all('TEL').map((one) => ({ value: phoneOf(unescaped(one.value)), ...usedFor(one) }));
  const addresses = all('ADR').flatMap(addressOf);
  const socials = card.flatMap(socialOf);
  const tags = [...new Set(all('CATEGORIES').flatMap(({ value }) => partsOf(value, ',').filter(Boolean)))];
  const custom = stated({ website: first('URL'), note: first('NOTE') });
  const isCompany = /^org$/i.test(first('KIND') ?? '') || /company/i.test(first('X-ABSHOWAS') ?? '');
  return {
    kind: isCompany ? 'company' : 'person',
    ...stated({
      name: first('FN'),
      givenName,
      familyName,
      companyName,
      department: units.find(Boolean),
      title: first('TITLE'),
      birthDate: dateOf(all('BDAY')[0]),
      gender: { M: 'male', F: 'female' }[first('GENDER')?.slice(0, 1).toUpperCase() ?? ''],
    }),
    ...(emails.length > 0 && { emails }),
    ...(phones.length > 0 && { phones }),
    ...(addresses.length > 0 && { addresses }),
    ...(socials.length > 0 && { socials }),
    ...(tags.length > 0 && { tags }),
    ...(Object.keys(custom).length > 0 && { custom }),
    source: 'business-card',
  };
}

type Text = Exclude<CustomerFields['name'], undefined>;
const stated = <T extends Record<string, string | undefined>>(values: T): Record<string, Text> =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value]] : [])));

function usedFor({ types, params }: Property): { label?: string; primary?: boolean } {
  const label = labels.find((one) => types.includes(one));
  const isPreferred = types.includes('pref') || params.get('PREF') === '1';
  return { ...(label && { label: label === 'cell' ? 'mobile' : label }), ...(isPreferred && { primary: true }) };
}

/** A number of 4.0 may be an address: `tel:+86-10-1234;ext=5`. */
const phoneOf = (value: string): string =>
  value.replace(/^tel:/i, '').replace(/;ext=/i, ' ext. ').split(';', 1)[0] ?? '';

function addressOf(property: Property): Address[] {
  const [box, extended, street, city, province, postcode, country] = partsOf(property.value, ';');
  const where = { street: [street, extended, box].filter(Boolean).join(', '), city, province, postcode, country };
  const address: Address = stated(where) as Record<keyof typeof where, string>;
  return Object.keys(address).length === 0 ? [] : [{ ...address, ...usedFor(property) }];
}

function socialOf({ name, types, params, value }: Property): Social[] {
  const text = unescaped(value);
  if (text === '') return [];
  const [, network] = ofNetwork.exec(name) ?? [];
  if (network !== undefined) return [{ network: network === 'WEIXIN' ? 'wechat' : network.toLowerCase(), value: text }];
  if (name === 'X-SOCIALPROFILE' || name === 'SOCIALPROFILE') {
    const said = params.get('SERVICE-TYPE') ?? types.find((type) => !labels.includes(type) && type !== 'pref');
    return [{ network: (said ?? 'other').toLowerCase(), value: text.replace(/^x-apple:/i, '') }];
  }
  if (name !== 'IMPP') return [];
  const [, scheme = 'other', rest = text] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(text) ?? [];
  return [{ network: (params.get('X-SERVICE-TYPE') ?? scheme).toLowerCase(), value: rest.replace(/^\/\//, '') }];
}

/** Days without a year, which a card may say, are no dates here: iPhones write a year that they name beside. */
function dateOf(day: Property | undefined): string | undefined {
  const [, year, month, date] = /^(\d{4})-?(\d{2})-?(\d{2})(?:$|T)/i.exec(day?.value ?? '') ?? [];
  return year === undefined || year === day?.params.get('X-APPLE-OMIT-YEAR') ? undefined : `${year}-${month}-${date}`;
}
