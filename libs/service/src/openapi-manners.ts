import type { OpenAPIObject } from '@nestjs/swagger';
import type { TSchema } from 'typebox';
import { ProblemAnswer } from './answers.ts';
import { isPublic } from './public-routes.ts';

export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
/** What an operation answers: JSON of a schema, unless another media type is named. */
export type Answered = { schema: TSchema | undefined; type?: string };
type Components = NonNullable<OpenAPIObject['components']>;

const string = { type: 'string' } as const;
const header = (description: string, schema: object = string) => ({ description, schema });
const parameter = (name: string, description: string) => ({ name, in: 'header' as const, description, schema: string });

const headers = {
  Position: header('Where in its log the change stands, as <service>@<position>: for X-After.'),
  ETag: header('Version of the record, in quotes.'),
  Location: header('Address of what was created.'),
  Stale: header('true where the time ran out before the answer was as new as X-After asked.'),
  RetryAfter: header('Seconds to wait.', { type: 'integer' }),
};
const parameters = {
  IdempotencyKey: parameter('Idempotency-Key', 'The same key and request again gets the first answer.'),
  IfMatch: parameter('If-Match', 'ETag that the caller last saw: refused where the same fields changed since.'),
  After: parameter('X-After', 'X-Position of a change that the answer has to hold; several separated by commas.'),
  AcceptLanguage: parameter('Accept-Language', 'en or zh, for the texts of problems and reports.'),
};
const problem = (description: string, more = {}) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  ...more,
});
const responses = {
  400: problem('The request cannot be read, or does not have the right shape.'),
  401: problem('No token, or one that does not hold.'),
  403: problem('The role does not allow it.'),
  404: problem('There is no such thing, or none that the caller may see.'),
  409: problem('What is there already does not allow it.'),
  412: problem('Somebody changed the same field; `conflicts` says which. Empty where the request names no fields.'),
  413: problem('The body is too large.'),
  415: problem('The body is not JSON in UTF-8.'),
  422: problem('The meaning of some fields is not right; `errors` names them all.'),
  429: problem('Too many requests.', { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } }),
  503: problem('A part of the system is away.'),
};
type Status = keyof typeof responses;

/** What the operations of all services refer to. */
export const components = {
  headers,
  parameters,
  responses: Object.fromEntries(Object.entries(responses).map(([status, one]) => [`Problem${status}`, one])),
} as unknown as Components;

const headerRef = (name: keyof typeof headers) => ({ $ref: `#/components/headers/${name}` });
const parameterRef = (name: keyof typeof parameters) => ({ $ref: `#/components/parameters/${name}` });

/** The manners that hold for every operation, so that no controller repeats them. `schemas` gathers what is named by a title. */
export function describer(): {
  schemas: Record<string, object>;
  manners: (method: string, path: string, operation: Operation, answer: Answered) => void;
} {
  const schemas: Record<string, object> = {};
  const named = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(named);
    if (typeof schema !== 'object' || schema === null) return schema;
    const { title, personal: _, ...rest } = schema as Record<string, unknown>;
    const plain = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, named(value)]));
    if (typeof title !== 'string') return 'title' in schema ? { ...plain, title: named(title) } : plain;
    schemas[title] = plain;
    return { $ref: `#/components/schemas/${title}` };
  };
  named(ProblemAnswer);
  return {
    schemas,
    manners: (method, path, operation, { schema: answer, type = 'application/json' }) => {
      const reads = method === 'get' || path.endsWith('/query');
      // Sign-in, hooks and forms are no commands: they have checks of their own.
      const commands = !reads && !isPublic(path.replace(/\{\w+\}/g, '1'));
      const hasBody = operation.requestBody !== undefined || (method !== 'get' && /^\/(hooks|forms)\//.test(path));
      const ofOne = commands && (method !== 'post' || path.includes('{'));
      const asks = operation.parameters?.some((one) => 'in' in one && one.in === 'query');
      operation.parameters = [
        ...(operation.parameters ?? []).filter((one) => !('in' in one) || one.in !== 'header'),
        parameterRef('AcceptLanguage'),
        ...(commands ? [parameterRef('IdempotencyKey')] : []),
        ...(ofOne ? [parameterRef('IfMatch')] : []),
        ...(reads ? [parameterRef('After')] : []),
      ];
      const isRecord = answer !== undefined && 'properties' in answer && 'version' in (answer.properties as object);
      for (const [status, success] of Object.entries(operation.responses)) {
        if (!success || '$ref' in success) continue;
        success.description ||= 'Done.';
        success.headers = {
          ...(commands && { 'X-Position': headerRef('Position') }),
          ...(reads && { 'X-Stale': headerRef('Stale') }),
          ...(isRecord && { ETag: headerRef('ETag') }),
          ...(isRecord && status === '201' && { Location: headerRef('Location') }),
        };
        if (answer) success.content = { [type]: { schema: named(answer) as object } };
      }
      const errors: Status[] = [
        400,
        401,
        ...(path.includes('{') ? [404 as const] : []),
        ...(commands ? ([403, 409] as const) : []),
        ...(ofOne ? [412 as const] : []),
        ...(hasBody ? ([413, 415] as const) : []),
        ...(commands || asks || hasBody ? [422 as const] : []),
        429,
        503,
      ];
      for (const status of errors) {
        operation.responses[status] = { $ref: `#/components/responses/Problem${status}` };
      }
    },
  };
}
