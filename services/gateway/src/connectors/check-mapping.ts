import { isCurrency } from '@throughline/contracts';
import { formatsOf, type Target, type Targets, targetsOf, type ValueKind } from './mapping-targets.ts';
import { isTimeZone } from './instants.ts';

export type MappingError = {
  /** JSON Pointer into the mapping. */
  path: string;
  code:
    | 'wrong-type'
    | 'required'
    | 'unknown-key'
    | 'unknown-object'
    | 'unknown-target'
    | 'not-a-pointer'
    | 'no-source'
    | 'format-does-not-fit'
    | 'unknown-time-zone'
    | 'value-not-allowed'
    | 'not-a-list'
    | 'too-large';
  message: string;
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isPointer = (value: unknown): value is string =>
  typeof value === 'string' && /^(\/([^~/]|~[01])*)*$/.test(value) && value.length <= 500;
const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
const step = (path: string, key: string): string => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/**
 * Everything that is wrong with a connection's mapping, at the time it is made: what passes here fails on a message only
 * by what the message holds.
 *
 * @returns an empty list when it can be used
 */
export function checkMapping(mapping: unknown): MappingError[] {
  const errors: MappingError[] = [];
  const report = (path: string, code: MappingError['code'], message: string) =>
    void errors.push({ path, code, message });

  function known(value: Record<string, unknown>, path: string, keys: readonly string[]) {
    for (const key of Object.keys(value)) {
      if (!keys.includes(key)) report(step(path, key), 'unknown-key', `Known here: ${keys.join(', ')}.`);
    }
  }

  function pointer(value: unknown, path: string): void {
    if (!isPointer(value)) report(path, 'not-a-pointer', 'Expected a JSON Pointer such as /order/id.');
  }

  function one(value: unknown, path: string): void {
    if (!isObject(value)) return report(path, 'wrong-type', 'Expected an object with object and fields.');
    known(value, path, ['object', 'each', 'when', 'fields']);
    if (value['each'] !== undefined) pointer(value['each'], step(path, 'each'));
    if (value['when'] !== undefined) when(value['when'], step(path, 'when'));
    const { object } = value;
    if (object !== 'customer' && object !== 'order') {
      return report(step(path, 'object'), 'unknown-object', 'Expected customer or order.');
    }
    fields(value['fields'], targetsOf[object], step(path, 'fields'));
  }

  function when(value: unknown, path: string): void {
    if (!isObject(value)) return report(path, 'wrong-type', 'Expected an object of pointer and value.');
    for (const [key, expected] of Object.entries(value)) {
      pointer(key, step(path, key));
      const values: unknown[] = Array.isArray(expected) ? expected : [expected];
      if (values.length === 0 || !values.every(isScalar)) {
        report(step(path, key), 'wrong-type', 'Expected a value or a list of values.');
      }
    }
  }

  function fields(value: unknown, targets: Targets, path: string): void {
    if (!isObject(value)) return report(path, 'required', 'Expected an object of target field and rule.');
    if (Object.keys(value).length > 200) return report(path, 'too-large', 'At most 200 fields.');
    for (const [name, target] of Object.entries(targets)) {
      const isRequired = 'value' in target && target.required;
      if (isRequired && !Object.hasOwn(value, name)) report(step(path, name), 'required', `${name} has to be mapped.`);
    }
    for (const [name, rule] of Object.entries(value)) {
      const at = step(path, name);
      const custom = 'birthDate' in targets && /^custom\.[\w-]{1,100}$/.test(name);
      const target: Target | undefined = custom
        ? { value: 'text' }
        : Object.hasOwn(targets, name)
          ? targets[name]
          : undefined;
      if (!target) report(at, 'unknown-target', `There is no such field. Known: ${Object.keys(targets).join(', ')}.`);
      else field(rule, target, at);
    }
  }

  function field(rule: unknown, target: Target, path: string): void {
    if ('value' in target) return scalar(rule, target.value, path);
    if ('texts' in target) return texts(rule, path);
    if ('object' in target) {
      if (!isObject(rule)) return report(path, 'wrong-type', 'Expected an object with fields.');
      known(rule, path, ['pointer', 'fields']);
      if (rule['pointer'] !== undefined) pointer(rule['pointer'], step(path, 'pointer'));
      return fields(rule['fields'], target.object, step(path, 'fields'));
    }
    if (isObject(rule) && 'each' in rule) {
      known(rule, path, ['each', 'fields']);
      pointer(rule['each'], step(path, 'each'));
      return fields(rule['fields'], target.list, step(path, 'fields'));
    }
    if (target.of !== undefined) return texts(rule, path);
    return report(path, 'not-a-list', 'Expected an object with each and fields.');
  }

  function texts(rule: unknown, path: string): void {
    if (typeof rule === 'string') return pointer(rule, path);
    scalar(rule, 'text', path);
  }

  function scalar(rule: unknown, kind: ValueKind, path: string): void {
    if (typeof rule === 'string') return pointer(rule, path);
    if (!isObject(rule)) return report(path, 'wrong-type', 'Expected a JSON Pointer or an object with one.');
    known(rule, path, ['pointer', 'const', 'map', 'format', 'timeZone']);
    const { const: constant, map, format, timeZone } = rule;
    if (rule['pointer'] !== undefined) pointer(rule['pointer'], step(path, 'pointer'));
    else if (constant === undefined) report(path, 'no-source', 'Expected pointer or const.');
    if (constant !== undefined) allowed(constant, kind, step(path, 'const'));
    if (map !== undefined) {
      if (!isObject(map)) report(step(path, 'map'), 'wrong-type', 'Expected an object of from and to.');
      else for (const [from, to] of Object.entries(map)) allowed(to, kind, step(step(path, 'map'), from));
    }
    const fitting: readonly unknown[] = formatsOf(kind);
    if (format !== undefined && !fitting.includes(format)) {
      report(step(path, 'format'), 'format-does-not-fit', `Fitting: ${fitting.join(', ')}.`);
    }
    if (timeZone !== undefined) {
      const timed = kind === 'instant' && (format === undefined || format === 'date-time' || format === 'date');
      if (!timed) report(step(path, 'timeZone'), 'format-does-not-fit', 'Only dates and times have a zone.');
      else if (typeof timeZone !== 'string' || !isTimeZone(timeZone)) {
        report(step(path, 'timeZone'), 'unknown-time-zone', 'Expected an IANA name such as Asia/Shanghai.');
      }
    }
  }

  function allowed(value: unknown, kind: ValueKind, path: string): void {
    if (!isScalar(value)) return report(path, 'wrong-type', 'Expected a text, a number or a boolean.');
    if (typeof kind !== 'string' && !kind.includes(String(value))) {
      report(path, 'value-not-allowed', `Allowed: ${kind.join(', ')}.`);
    }
    if (kind === 'currency' && !isCurrency(String(value).toUpperCase())) {
      report(path, 'value-not-allowed', 'Expected an ISO 4217 code.');
    }
  }

  const all: unknown[] = Array.isArray(mapping) ? mapping : [mapping];
  if (all.length === 0 || all.length > 20) report('', 'required', 'Expected a mapping, or a list of 1 to 20.');
  else all.forEach((value, index) => one(value, Array.isArray(mapping) ? `/${index}` : ''));
  return errors;
}
