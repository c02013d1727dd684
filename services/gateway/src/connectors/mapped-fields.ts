import { isCurrency } from '@throughline/contracts';
import { Unmappable } from './connector.ts';
import { decimal, divided } from './decimals.ts';
import { decodeHtml } from './html-text.ts';
import { date, epoch, instant, odataInstant } from './instants.ts';
import { type Format, formatsOf, type Target, type ValueKind } from './mapping-targets.ts';
import type { Place } from './place.ts';

/** Where a value comes from: a JSON Pointer (RFC 6901) from the record, or more. */
export type ValueRule =
  | string
  | {
      pointer?: string;
      /** The value itself; with a pointer, what holds where nothing is there. */
      const?: string | number | boolean;
      /** Value in the message -> value here; `*` for all others, which else stay as they are. */
      map?: Readonly<Record<string, string | number | boolean>>;
      format?: Format;
      /** IANA name: the zone of times that come without one. UTC where it is left out. */
      timeZone?: string;
    };
/** `each` points to an array (or to one object); the pointers of `fields` start at its members. */
export type ListRule = { each: string; fields: Readonly<Record<string, ValueRule>> };
/** The pointers of `fields` start at `pointer`, or at the record itself. */
export type ObjectRule = { pointer?: string; fields: Readonly<Record<string, ValueRule | ListRule>> };

/** Of an array its members, of anything else that is there itself. */
export const members = (place: Place): Place[] =>
  Array.isArray(place.value) ? place.items() : place.present ? [place] : [];

/** The mapped fields of one record. */
export class Fields {
  constructor(
    private readonly record: Place,
    private readonly rules: Readonly<Record<string, ValueRule | ListRule | ObjectRule>>,
    private readonly targets: Readonly<Record<string, Target>>,
  ) {}

  private rule(name: string): ValueRule | ListRule | ObjectRule | undefined {
    return Object.hasOwn(this.rules, name) ? this.rules[name] : undefined;
  }

  /** As text in the form of the target: a decimal, an instant and so on. */
  get(name: string): string | undefined {
    const rule = this.rule(name) as ValueRule | undefined;
    const target = this.targets[name];
    return rule === undefined
      ? undefined
      : read(rule, target && 'value' in target ? target.value : 'text', this.record);
  }

  need(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new Unmappable(`No value for ${name}.`, this.placeOf(name));
    return value;
  }

  placeOf(name: string): string {
    const rule = this.rule(name);
    const pointer = typeof rule === 'string' ? rule : rule && 'pointer' in rule ? (rule.pointer ?? '') : '';
    return `${this.record.pointer}${pointer}`;
  }

  flag(name: string): boolean | undefined {
    const value = this.get(name);
    return value === undefined ? undefined : value === 'true';
  }

  list(name: string): Fields[] {
    const rule = this.rule(name);
    const target = this.targets[name];
    if (typeof rule !== 'object' || !('each' in rule) || !target || !('list' in target)) return [];
    return members(this.record.at(rule.each)).map((member) => new Fields(member, rule.fields, target.list));
  }

  /** A pointer to a text or to a list of texts. */
  texts(name: string): string[] {
    const rule = this.rule(name);
    if (rule === undefined || (typeof rule === 'object' && ('each' in rule || 'fields' in rule))) return [];
    const pointer = typeof rule === 'string' ? rule : rule.pointer;
    const place = pointer === undefined ? undefined : this.record.at(pointer);
    const places = place && Array.isArray(place.value) ? place.items() : undefined;
    const each = typeof rule === 'string' ? '' : { ...rule, pointer: '' };
    const values = places ? places.map((one) => read(each, 'text', one)) : [read(rule, 'text', this.record)];
    return [...new Set(values.filter((value) => value !== undefined))];
  }

  object(name: string): Fields | undefined {
    const rule = this.rule(name);
    const target = this.targets[name];
    if (typeof rule !== 'object' || !('fields' in rule) || !target || !('object' in target)) return undefined;
    const place = this.record.at('pointer' in rule ? (rule.pointer ?? '') : '');
    return place.present ? new Fields(place, rule.fields, target.object) : undefined;
  }

  get custom(): Record<string, string> | undefined {
    const known = Object.keys(this.rules)
      .filter((name) => name.startsWith('custom.'))
      .map((name) => [name.slice('custom.'.length), this.get(name)] as const)
      .filter((entry): entry is [string, string] => entry[1] !== undefined);
    return known.length > 0 ? Object.fromEntries(known) : undefined;
  }
}

function read(rule: ValueRule, kind: ValueKind, record: Place): string | undefined {
  const { pointer, const: constant, map, format, timeZone } = typeof rule === 'string' ? { pointer: rule } : rule;
  const place = pointer === undefined ? undefined : record.at(pointer);
  const found = place?.text();
  if (found === undefined)
    return constant === undefined ? undefined : formatted(String(constant), kind, record.pointer);
  const to = map && (Object.hasOwn(map, found) ? map[found] : map['*']);
  return to === undefined
    ? formatted(found, kind, place?.pointer ?? '', format, timeZone)
    : formatted(String(to), kind, place?.pointer ?? '');
}

const booleans = new Map([
  ...['true', '1', 'yes', 'y'].map((word) => [word, 'true'] as const),
  ...['false', '0', 'no', 'n'].map((word) => [word, 'false'] as const),
]);

function formatted(text: string, kind: ValueKind, pointer: string, format?: Format, timeZone = 'UTC'): string {
  const value = shaped(text, format ?? formatsOf(kind)[0]!, pointer, timeZone);
  if (typeof kind !== 'string' && !kind.includes(value)) {
    throw new Unmappable(`Not one of ${kind.join(', ')}: the mapping can say which it is.`, pointer);
  }
  if (kind === 'currency' && !isCurrency(value)) throw new Unmappable('Not a currency of ISO 4217.', pointer);
  return value;
}

function shaped(text: string, format: Format, pointer: string, timeZone: string): string {
  switch (format) {
    case 'text':
      return text;
    case 'uppercase':
      return text.toUpperCase();
    case 'lowercase':
      return text.toLowerCase();
    case 'html':
      return decodeHtml(text);
    case 'decimal':
      return decimal(text, pointer);
    case 'decimal-comma':
      return decimal(text.replace(/[.\s'\u00a0\u202f](?=\d{3})/g, '').replace(',', '.'), pointer);
    case 'cents':
      return divided(decimal(text, pointer), '100') ?? '0';
    case 'date':
      return date(text, pointer);
    case 'date-time':
      return instant(text, { timeZone, pointer });
    case 'epoch-seconds':
      return epoch(text, 'seconds', pointer);
    case 'epoch-milliseconds':
      return epoch(text, 'milliseconds', pointer);
    case 'odata':
      return odataInstant(text, { pointer });
    case 'boolean': {
      const value = booleans.get(text.toLowerCase());
      if (value === undefined) throw new Unmappable('Neither true nor false.', pointer);
      return value;
    }
  }
}
