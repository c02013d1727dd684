import { Refusal, type FieldError } from '@throughline/event-sourcing';

/** The failing fields that a check would refuse. */
export function errorsOf(check: () => unknown): readonly FieldError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'invalid') return error.errors;
    throw error;
  }
}
