import { isCurrency } from '@throughline/contracts';
import { Unmappable } from './connector.ts';
import { decimal } from './decimals.ts';
import type { Exact } from './exact-json.ts';
import { instant } from './instants.ts';

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** A value in a message and where it stands, so that whatever is wrong with it can be named. */
export class Place {
  constructor(
    readonly value: Exact | undefined,
    readonly pointer = '',
  ) {}

  /** An own member; inherited names such as `constructor` are as absent as any other. */
  get(key: string): Place {
    const { value } = this;
    const member =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
        ? value[key]
        : undefined;
    return new Place(member, `${this.pointer}/${escaped(key)}`);
  }

  /** Follows a JSON Pointer (RFC 6901) from here. */
  at(pointer: string): Place {
    if (pointer === '') return this;
    return pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<Place>((place, key) => {
        if (!Array.isArray(place.value)) return place.get(key);
        const index = /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : -1;
        return new Place(place.value[index], `${place.pointer}/${escaped(key)}`);
      }, this);
  }

  /** null counts as absent, as everywhere below. */
  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get isObject(): boolean {
    return typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value);
  }

  /** Trimmed; undefined when absent or empty. */
  text(): string | undefined {
    const { value } = this;
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'object') throw new Unmappable('Expected a single value.', this.pointer);
    return String(value).trim() || undefined;
  }

  requiredText(): string {
    const text = this.text();
    if (text === undefined) throw new Unmappable('Missing.', this.pointer);
    return text;
  }

  flag(): boolean {
    return this.value === true || this.value === 'true';
  }

  decimal(): string | undefined {
    const text = this.text();
    return text === undefined ? undefined : decimal(text, this.pointer);
  }

  requiredDecimal(): string {
    return decimal(this.requiredText(), this.pointer);
  }

  instant(timeZone?: string): string | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    return instant(text, { pointer: this.pointer, ...(timeZone !== undefined && { timeZone }) });
  }

  currency(): string {
    const code = this.requiredText().toUpperCase();
    if (!isCurrency(code)) throw new Unmappable('Not a currency of ISO 4217.', this.pointer);
    return code;
  }

  /** The members of an array; none when absent. */
  items(): Place[] {
    const { value } = this;
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new Unmappable('Expected a list.', this.pointer);
    return value.map((item, index) => new Place(item, `${this.pointer}/${index}`));
  }

  object(): Place {
    if (!this.isObject) throw new Unmappable('Expected an object.', this.pointer);
    return this;
  }
}
