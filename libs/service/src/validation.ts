import {
  Injectable,
  ValidationPipe,
  applyDecorators,
  type ArgumentMetadata,
  type PipeTransform,
  type ValidationError,
} from '@nestjs/common';
import { Transform, plainToInstance } from 'class-transformer';
import { IsUUID, isUUID, validateSync } from 'class-validator';
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
  isRealInstant: 'impossible-date',
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

const lowerCase = (value: unknown) => (typeof value === 'string' ? value.toLowerCase() : value);

/** What is wrong with the shape of a value that did not come as a body: the same that its body would be refused for. */
export const shapeErrorsOf = (body: new () => object, value: object): FieldError[] =>
  fieldErrors(validateSync(plainToInstance(body, value), { whitelist: true, forbidNonWhitelisted: true }));

/** Checks the shape of bodies and queries; names every failing field at once. */
export const shapeCheck = () =>
  new ValidationPipe({
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
