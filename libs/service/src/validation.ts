import {
  Injectable,
  ValidationPipe,
  applyDecorators,
  type ArgumentMetadata,
  type PipeTransform,
  type ValidationError,
} from '@nestjs/common';
import { Transform, plainToInstance } from 'class-transformer';
import {
  IS_OPTIONAL,
  IsObject,
  IsOptional,
  IsUUID,
  ValidateBy,
  getMetadataStorage,
  isUUID,
  validateSync,
  type ValidatorOptions,
} from 'class-validator';
import type { FieldError } from '@throughline/event-sourcing';
import { ShapeError } from './problem.ts';

const codeOf: Record<string, string> = {
  whitelistValidation: 'unknown-field',
  isNotEmpty: 'required',
  isDefined: 'required',
  minLength: 'too-short',
  maxLength: 'too-long',
  arrayMinSize: 'required',
  arrayMaxSize: 'too-many',
  min: 'out-of-range',
  max: 'out-of-range',
  isIn: 'not-allowed',
  isCurrency: 'unknown-currency',
  isRealDate: 'impossible-date',
  isInstantForm: 'not-an-instant',
  isRealInstant: 'impossible-date',
  isStorable: 'invalid-text',
};

/** A value of the wrong type fails its length and its pattern as well: the type is what to say. */
const ofType = /^is(String|Array|Boolean|Object|Number|Int)$/;

function codeFor(failed: readonly string[], value: unknown): string {
  if (value === undefined && !failed.includes('whitelistValidation')) return 'required';
  if (failed.some((name) => ofType.test(name))) return 'wrong-type';
  if (value === '' && failed.includes('minLength')) return 'required';
  return failed.map((name) => codeOf[name]).find((name) => name !== undefined) ?? 'wrong-type';
}

function fieldErrors(errors: readonly ValidationError[], path = ''): FieldError[] {
  return errors.flatMap(({ property, constraints = {}, children = [], value }) => {
    const at = path ? `${path}.${property}` : property;
    const failed = Object.keys(constraints);
    return [...(failed.length > 0 ? [{ path: at, code: codeFor(failed, value) }] : []), ...fieldErrors(children, at)];
  });
}

/** A uuid; told lower-case. */
export const Id = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => lowerCase(value)),
    IsUUID(),
  );

/** A list of them. */
export const Ids = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? value.map(lowerCase) : value)),
    IsUUID(undefined, { each: true }),
  );

/** An object whose members are texts. */
export const IsTexts = () =>
  applyDecorators(IsObject(), ValidateBy({ name: 'isTexts', validator: { validate: areTexts } }));

const areTexts = (value: unknown) =>
  Object.values(Object(value) as object).every((member) => typeof member === 'string');

/** An object whose members are lists of texts, each of `most` at most. */
export const IsTextLists = (most: number) =>
  applyDecorators(
    IsObject(),
    ValidateBy({
      name: 'isTextLists',
      validator: {
        validate: (value: unknown) =>
          Object.values(Object(value) as object).every(
            (list) => Array.isArray(list) && list.length <= most && areTexts(list),
          ),
      },
    }),
  );

const lowerCase = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value);

const clearable = { nullClears: true };

/** May be left out; null clears it. Null is no value of what is merely optional, and refused. */
export const IsClearable = () => IsOptional({ context: clearable });

/** Whether a check of class-validator is the one by which null clears. */
export const isClearing = ({ context }: { context?: unknown }): boolean => context === clearable;

/** Looks at every member of a body, and of the classes nested in it. What has no class is checked by whoever reads it. */
function placesIn(body: object, isMeant: (member: unknown, name: string, target: unknown) => boolean): string[] {
  const look = (owner: unknown, path: string): string[] => {
    if (typeof owner !== 'object' || owner === null) return [];
    const target: unknown = Object.getPrototypeOf(owner)?.constructor;
    if (target === Object) return [];
    return Object.entries(owner).flatMap(([name, member]) => {
      const at = path ? `${path}.${name}` : name;
      return isMeant(member, name, target) ? [at] : look(member, at);
    });
  };
  return look(body, '');
}

/** The optional members that are null, and do not say that null clears them. */
const nullsIn = (body: object) =>
  placesIn(body, (member, name, target) => member === null && notNullable(target).has(name));

const known = new WeakMap<object, ReadonlySet<string>>();

function notNullable(target: unknown): ReadonlySet<string> {
  if (typeof target !== 'function') return new Set();
  const names = known.get(target) ?? new Set(optionalOf(target));
  known.set(target, names);
  return names;
}

const optionalOf = (target: object): string[] =>
  getMetadataStorage()
    .getTargetValidationMetadatas(target as new () => object, '', false, false)
    .flatMap((check) => (check.name === IS_OPTIONAL && !isClearing(check) ? [check.propertyName] : []));

/** The texts that no Postgres text can hold. */
const unstorableIn = (body: object) =>
  placesIn(body, (member) => typeof member === 'string' && (member.includes('\0') || !member.isWellFormed()));

/** What is wrong with the shape of a value that did not come as a body: the same that its body would be refused for. */
export function shapeErrorsOf(body: new () => object, value: object): FieldError[] {
  const instance = plainToInstance(body, value);
  const errors = fieldErrors(validateSync(instance, { whitelist: true, forbidNonWhitelisted: true }));
  return [...errors, ...nullsIn(instance).map((path) => ({ path, code: 'wrong-type' }))];
}

/** Names that every object has already: what copies bodies passes over them, and their values would be lost without a word. */
const reserved = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

function reservedIn(value: unknown, path = ''): string[] {
  const isPlain =
    Array.isArray(value) || (value instanceof Object && Object.getPrototypeOf(value) === Object.prototype);
  if (!isPlain) return [];
  return Object.entries(value as object).flatMap(([name, member]) => {
    const at = path ? `${path}.${name}` : name;
    return reserved.has(name) ? [at] : reservedIn(member, at);
  });
}

class ShapeCheck extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const lost = metadata.type === 'body' ? reservedIn(value) : [];
    if (lost.length > 0) throw new ShapeError(lost.map((path) => ({ path, code: 'unknown-field' })));
    return super.transform(value, metadata);
  }

  protected override async validate(body: object, options?: ValidatorOptions): Promise<ValidationError[]> {
    const broken = (check: string) => (property: string) => ({
      property,
      constraints: { [check]: check },
      value: null,
    });
    // Some checks cannot read such a text at all.
    const unstorable = unstorableIn(body).map(broken('isStorable'));
    if (unstorable.length > 0) return unstorable;
    return [...(await super.validate(body, options)), ...nullsIn(body).map(broken(IS_OPTIONAL))];
  }
}

/** Checks the shape of bodies and queries; names every failing field at once. */
export const shapeCheck = () =>
  new ShapeCheck({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    exceptionFactory: (errors) => new ShapeError(fieldErrors(errors)),
  });

/** A path parameter that must be a uuid; answers lower-case. */
@Injectable()
export class IdPipe implements PipeTransform<string, string> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): string {
    if (!isUUID(value)) throw new ShapeError([{ path: data, code: 'wrong-type' }]);
    return value.toLowerCase();
  }
}
