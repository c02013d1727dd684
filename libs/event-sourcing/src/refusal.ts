export type RefusalKind = 'not-found' | 'conflict' | 'invalid' | 'forbidden' | 'precondition';

/** One failing field: JSON Pointer or property path, stable code, and what to fill the message with. */
export type FieldError = { path: string; code: string; params?: Readonly<Record<string, unknown>> };

/** The one thing a domain throws. Everything else that is thrown is a bug. */
export class Refusal extends Error {
  constructor(
    readonly kind: RefusalKind,
    /** Stable, part of the API: `/problems/<code>`. */
    readonly code: string,
    /** Fills the message of the catalogue; shown to the caller, so never personal data of others. */
    readonly params: Readonly<Record<string, unknown>> = {},
    readonly errors: readonly FieldError[] = [],
  ) {
    super(code);
    this.name = 'Refusal';
  }
}

type Params = Readonly<Record<string, unknown>>;
export const conflict = (code: string, params?: Params) => new Refusal('conflict', code, params);
export const notFound = (code: string, params?: Params) => new Refusal('not-found', code, params);
export const forbidden = (code: string, params?: Params) => new Refusal('forbidden', code, params);
/** Broken rules; `errors` names every failing field at once. */
export const invalid = (code: string, errors: readonly FieldError[] = [], params?: Params) =>
  new Refusal('invalid', code, params, errors);
