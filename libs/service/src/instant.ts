import { applyDecorators } from '@nestjs/common';
import { ValidateBy, type ValidationOptions } from 'class-validator';

const rfc3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** True for a date that the calendar has, of the years 1 to 9999. */
export function isRealDate(text: unknown): boolean {
  if (typeof text !== 'string' || !/^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** True for a point in time as RFC 3339 writes it, with its zone, on a day that exists there and in UTC. */
export const isRealInstant = (text: unknown): boolean => {
  if (typeof text !== 'string' || !isRealDate(rfc3339.exec(text)?.[1])) return false;
  const at = new Date(text.toUpperCase());
  return !Number.isNaN(at.getTime()) && isRealDate(at.toISOString().slice(0, -'T00:00:00.000Z'.length));
};

/** As a point in time is written, whether it exists or not. */
const instantForm = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;
const isInstantForm = (text: unknown): boolean => typeof text === 'string' && instantForm.test(text);

/** Checks a point in time: RFC 3339 with a zone. Of another form it says so, and not that it does not exist. */
export const IsInstant = (options?: ValidationOptions): PropertyDecorator => {
  const exists = (text: unknown) => !isInstantForm(text) || isRealInstant(text);
  return applyDecorators(
    ValidateBy({ name: 'isInstantForm', validator: { validate: isInstantForm } }, options),
    ValidateBy({ name: 'isRealInstant', validator: { validate: exists } }, options),
  );
};

/** Checks a date: `YYYY-MM-DD`, one that exists. */
export const IsDateText = (options?: ValidationOptions): PropertyDecorator =>
  ValidateBy({ name: 'isRealDate', validator: { validate: isRealDate } }, options);
