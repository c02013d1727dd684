import type { FieldError } from '@throughline/event-sourcing';
import { allOf, everything, nothing, not, type Condition } from '../search/condition.ts';
import {
  foldedKey,
  fractionDigits,
  keyOf,
  numberKey,
  type Field,
  type FieldType,
  type Fields,
} from '../search/search-index.ts';
import { spanOf, type Clock } from './moments.ts';

const compared = ['eq', 'ne', 'in', 'gt', 'gte', 'lt', 'lte', 'between', 'exists'] as const;
const written = ['eq', 'ne', 'in', 'contains', 'startsWith', 'exists'] as const;
const operators: Record<FieldType, readonly string[]> = {
  text: written,
  keyword: written,
  number: compared,
  money: compared,
  date: compared,
  instant: compared,
  boolean: ['eq', 'ne', 'in', 'exists'],
  tags: ['has', 'hasAny', 'hasAll', 'contains', 'startsWith', 'exists'],
};
const everyOperator = new Set(Object.values(operators).flat());

const deepest = 10;
const mostConditions = 200;
const mostValues = 200;

export type Filter = { condition: Condition; errors: readonly FieldError[]; fields: ReadonlySet<string> };

/**
 * Reads a filter: `{"<field>": {"<op>": value}}`, joined by `and`, `or` and `not`. Several fields or operators in one
 * object hold all at once; a bare value means `eq` (`has` for tags), null means that there is none. `eq`, `in` and `has`
 * compare exactly, `contains` and `startsWith` without regard to case, width and accents. `ne` and `not` are true where
 * there is no value. A date asked of an instant is that whole local day.
 *
 * @returns every error at once, each with its path in the filter; a condition that means nothing where there are any
 */
export function readFilter(filter: unknown, fields: Fields, clock: Clock): Filter {
  const reader = new Reader(fields, clock);
  const condition = filter === undefined ? everything : reader.object(filter, 'filter', 1);
  return { condition, errors: reader.errors, fields: reader.asked };
}

type Value = string | { from: string; until: string };

class Reader {
  readonly errors: FieldError[] = [];
  readonly asked = new Set<string>();
  #count = 0;
  #objects = 0;

  constructor(
    private readonly fields: Fields,
    private readonly clock: Clock,
  ) {}

  object(filter: unknown, path: string, depth: number): Condition {
    if (!isObject(filter)) return this.#wrong(path, 'wrong-type');
    if (depth > deepest) return this.#wrong(path, 'too-deep');
    // Said once: there may be very many of them.
    if (++this.#objects > mostConditions)
      return this.#objects === mostConditions + 1 ? this.#wrong(path, 'too-long') : everything;
    return allOf(
      ...Object.entries(filter).map(([name, value]) => {
        const at = `${path}.${name}`;
        if (name === 'not') return not(this.object(value, at, depth + 1));
        if (name === 'and' || name === 'or') {
          if (!Array.isArray(value)) return this.#wrong(at, 'wrong-type');
          const of = value.map((one, index) => this.object(one, `${at}.${index}`, depth + 1));
          return { is: name === 'and' ? 'all' : 'any', of } as const;
        }
        return this.#field(name, value, at);
      }),
    );
  }

  #field(name: string, value: unknown, path: string): Condition {
    const field = Object.hasOwn(this.fields, name) ? (this.fields[name] as Field<never>) : undefined;
    if (!field) return this.#wrong(path, 'unknown-field');
    this.asked.add(name);
    const { type } = field;
    if (!isObject(value) || (type === 'money' && 'amount' in value)) {
      return this.#operator(name, field, type === 'tags' ? 'has' : 'eq', value, path);
    }
    const asked = Object.entries(value);
    if (asked.length === 0) return this.#wrong(path, 'required');
    return allOf(
      ...asked.map(([operator, operand]) => {
        const at = `${path}.${operator}`;
        if (!everyOperator.has(operator)) return this.#wrong(at, 'unknown-operator');
        if (!operators[type].includes(operator)) return this.#wrong(at, 'operator-not-allowed');
        return this.#operator(name, field, operator, operand, at);
      }),
    );
  }

  #operator(name: string, asked: Field<never>, operator: string, operand: unknown, path: string): Condition {
    if (++this.#count > mostConditions)
      return this.#count === mostConditions + 1 ? this.#wrong(path, 'too-long') : everything;
    const { at: field = name } = asked;
    const there: Condition = { is: 'present', field };
    const absent = operand === null;
    switch (operator) {
      case 'exists':
        if (typeof operand !== 'boolean') return this.#wrong(path, 'wrong-type');
        return operand ? there : not(there);
      case 'eq':
      case 'has':
        return absent ? not(there) : this.#equal(name, asked, operand, path);
      case 'ne':
        return absent ? there : not(this.#equal(name, asked, operand, path));
      case 'in':
      case 'hasAny':
        return { is: 'any', of: this.#each(operand, path, (one, at) => this.#equal(name, asked, one, at)) };
      case 'hasAll':
        return { is: 'all', of: this.#each(operand, path, (one, at) => this.#equal(name, asked, one, at)) };
      case 'between': {
        if (!Array.isArray(operand) || operand.length !== 2) return this.#wrong(path, 'wrong-type');
        return allOf(
          this.#beyond(name, asked, 'gte', operand[0], `${path}.0`),
          this.#beyond(name, asked, 'lte', operand[1], `${path}.1`),
        );
      }
      case 'contains':
      case 'startsWith': {
        if (typeof operand !== 'string') return this.#wrong(path, 'wrong-type');
        const text = foldedKey(operand);
        return text === '' ? this.#wrong(path, 'required') : { is: operator, field, text };
      }
      default:
        return this.#beyond(name, asked, operator as 'gt', operand, path);
    }
  }

  #equal(name: string, { type, at: field = name, now }: Field<never>, operand: unknown, path: string): Condition {
    const value = this.#value(type, operand, path);
    if (value === undefined) return nothing;
    const equal: Condition =
      typeof value === 'string'
        ? { is: 'oneOf', field, values: [now?.(value) ?? value] }
        : { is: 'range', field, atLeast: value.from, below: value.until };
    return this.#inCurrency(name, operand, equal);
  }

  #beyond(
    name: string,
    { type, at: field = name }: Field<never>,
    operator: 'gt' | 'gte' | 'lt' | 'lte',
    operand: unknown,
    path: string,
  ): Condition {
    const value = this.#value(type, operand, path);
    if (value === undefined) return nothing;
    const [from, until] = typeof value === 'string' ? [value, undefined] : [value.from, value.until];
    const range = { is: 'range', field } as const;
    const bounds: Record<typeof operator, Condition> = {
      gt: until === undefined ? { ...range, above: from } : { ...range, atLeast: until },
      gte: { ...range, atLeast: from },
      lt: { ...range, below: from },
      lte: until === undefined ? { ...range, atMost: from } : { ...range, below: until },
    };
    return this.#inCurrency(name, operand, bounds[operator]);
  }

  /** An amount with its currency is compared among those of that currency. */
  #inCurrency(field: string, operand: unknown, condition: Condition): Condition {
    const currency = isObject(operand) ? keyOf('keyword', operand['currency']) : undefined;
    const name = [`${field}Currency`, 'currency'].find((key) => Object.hasOwn(this.fields, key));
    if (currency === undefined || name === undefined) return condition;
    const { at: key = name } = this.fields[name] as Field<never>;
    return allOf(condition, { is: 'oneOf', field: key, values: [currency] });
  }

  #each(operand: unknown, path: string, read: (one: unknown, path: string) => Condition): Condition[] {
    if (!Array.isArray(operand)) return [this.#wrong(path, 'wrong-type')];
    if (operand.length > mostValues) return [this.#wrong(path, 'too-long')];
    return operand.map((one, index) => read(one, `${path}.${index}`));
  }

  #value(type: FieldType, operand: unknown, path: string): Value | undefined {
    switch (type) {
      case 'text':
      case 'keyword':
      case 'tags':
        return keyOf(type, operand) ?? this.#noValue(path, 'wrong-type');
      case 'boolean':
        if (typeof operand === 'boolean') return String(operand);
        break;
      case 'money':
      case 'number': {
        const amount = type === 'money' && isObject(operand) ? operand['amount'] : operand;
        const isNumber = typeof amount === 'number' || typeof amount === 'string';
        const key = isNumber && !tooFine.test(String(amount)) ? numberKey(String(amount)) : undefined;
        const named = isObject(operand) && typeof operand['currency'] !== 'string';
        if (key !== undefined && !named) return key;
        break;
      }
      case 'date':
      case 'instant': {
        const span = typeof operand === 'string' ? spanOf(operand, this.clock) : undefined;
        if (span === 'impossible') return this.#noValue(path, 'impossible-date');
        if (span && type === 'instant') {
          return { from: new Date(span.from).toISOString(), until: new Date(span.until).toISOString() };
        }
        if (span) return span.day;
        break;
      }
    }
    return this.#noValue(path, 'wrong-type');
  }

  #noValue(path: string, code: string): undefined {
    this.#wrong(path, code);
    return undefined;
  }

  #wrong(path: string, code: string): Condition {
    this.errors.push({ path, code });
    return nothing;
  }
}

/** More digits than keys hold: it would be cut, and compared with others. */
const tooFine = new RegExp(`\\.\\d{${fractionDigits}}\\d*[1-9]`);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
