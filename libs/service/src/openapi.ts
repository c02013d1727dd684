import { ApiProperty, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
// @ts-expect-error it comes without types
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import type { ServiceName } from '@throughline/contracts';
import { Type } from 'typebox';
import { answerOf, fileTypeOf } from './answers.ts';
import { components, describer, type Answered, type Operation } from './openapi-manners.ts';
import { isClearing } from './validation.ts';

type Validation = {
  propertyName: string;
  name?: string;
  type: string;
  constraints?: unknown[];
  each: boolean;
  context?: unknown;
};
type Property = Record<string, unknown>;

/** What each check says in a schema. */
const meaning: Record<string, (constraints: unknown[]) => Property> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isObject: () => ({ type: 'object', additionalProperties: true }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isEmail: () => ({ type: 'string', format: 'email' }),
  isUrl: () => ({ type: 'string', format: 'uri' }),
  isRealInstant: () => ({ type: 'string', format: 'date-time' }),
  isRealDate: () => ({ type: 'string', format: 'date' }),
  isTexts: () => ({ type: 'object', additionalProperties: { type: 'string' } }),
  isTextLists: () => ({ type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } }),
  areNames: () => ({ oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }),
  isNumberOrText: () => ({ oneOf: [{ type: 'number' }, { type: 'string' }] }),
  isCurrency: () => ({ type: 'string', pattern: '^[A-Z]{3}$' }),
  isIn: ([values]) => (values ? { enum: values } : { type: 'string' }),
  maxLength: ([limit]) => ({ maxLength: limit }),
  minLength: ([limit]) => ({ minLength: limit }),
  arrayMaxSize: ([limit]) => ({ maxItems: limit }),
  matches: ([pattern]) => ({ type: 'string', pattern: (pattern as RegExp).source }),
};

const described = new Set<unknown>();

/** Describes the bodies and queries by what class-validator checks of them, so that the document cannot differ from it. */
function describeBodies(): void {
  const storage = getMetadataStorage() as unknown as { validationMetadatas: Map<new () => object, Validation[]> };
  for (const [target, validations] of storage.validationMetadatas) {
    if (described.has(target)) continue;
    described.add(target);
    for (const property of new Set(validations.map(({ propertyName }) => propertyName))) {
      const own = validations.filter(({ propertyName }) => propertyName === property);
      ApiProperty(propertyOf(target, property, own) as never)(target.prototype as object, property);
    }
  }
}

function propertyOf(target: new () => object, property: string, validations: readonly Validation[]): Property {
  const isArray = validations.some(({ name, each }) => name === 'isArray' || each);
  const required = !validations.some(
    ({ type, name }) => type === 'conditionalValidation' || type === 'whitelistValidation' || name === 'isOptional',
  );
  const checks = validations.map(({ name = '', constraints = [] }) => meaning[name]?.(constraints) ?? {});
  const schema: Property = Object.assign({}, ...checks);
  const nested = nestedTypes(target).get(property)?.typeFunction;
  // What comes of it is `null` among the types, as OpenAPI 3.1 has it.
  const manners = { required, ...(validations.some(isClearing) && { nullable: true }) };
  if (nested) return { ...manners, isArray, type: () => nested() };
  if (!isArray)
    return {
      ...manners,
      ...(Object.keys(schema).length > 0 ? schema : { type: 'object', additionalProperties: true }),
    };
  const { maxItems, ...items } = schema;
  return {
    ...manners,
    type: 'array',
    items: Object.keys(items).length > 0 ? items : { type: 'string' },
    ...(maxItems !== undefined && { maxItems }),
  };
}

type Nested = ReadonlyMap<string, { typeFunction: () => unknown }>;

/** The classes of nested bodies, as class-transformer's `@Type` says. Its package does not export where it keeps them. */
function nestedTypes(target: unknown): Nested {
  const { _typeMetadatas: all } = defaultMetadataStorage as unknown as { _typeMetadatas: Map<unknown, Nested> };
  return all.get(target) ?? new Map();
}

const File = Type.String({ format: 'binary' });

/** What operators are shown, which the gateway serves for all services. */
const operations = { own: '/internal/operations/', shown: '/api/operations/' };

/** The OpenAPI 3.1 document of one service. */
export function openApiOf(app: NestFastifyApplication, service: ServiceName): OpenAPIObject {
  describeBodies();
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Throughline CRM')
    .setVersion('1')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  const answered = new Map<string, Answered>();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => {
      const id = `${service}_${controller.replace(/Controller$/, '')}_${method}`;
      const type = fileTypeOf(controller, method);
      answered.set(id, type === undefined ? { schema: answerOf(controller, method) } : { schema: File, type });
      return id;
    },
  });
  const paths = Object.entries(document.paths)
    .map(
      ([path, item]) => [service === 'gateway' ? path.replace(operations.own, operations.shown) : path, item] as const,
    )
    .filter(([path]) => /^\/(api|hooks|forms)\//.test(path));
  const { schemas, manners } = describer();
  for (const [path, item] of paths) {
    for (const [method, operation] of Object.entries(item as Record<string, Operation>)) {
      manners(method, path, operation, answered.get(operation.operationId ?? '') ?? { schema: undefined });
    }
  }
  return {
    ...document,
    paths: Object.fromEntries(paths),
    components: { ...document.components, ...components, schemas: { ...document.components?.schemas, ...schemas } },
  } as OpenAPIObject;
}
