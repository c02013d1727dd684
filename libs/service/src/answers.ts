import { Type, type TProperties, type TSchema } from 'typebox';

/** The schemas of what operations answer, by `<controller>` or `<controller>_<method>`. */
const answers = new Map<string, TSchema>();

/** What an operation answers, for the OpenAPI document; on a controller, all of its operations that do not say otherwise. */
export const Answers =
  (schema: TSchema): ClassDecorator & MethodDecorator =>
  (target: object, method?: string | symbol) =>
    void answers.set(
      method === undefined ? (target as { name: string }).name : `${target.constructor.name}_${String(method)}`,
      schema,
    );

/** Operations that answer a file: `<controller>_<method>` -> its media type. */
const files = new Map<string, string>();

/** An operation that answers a file of that type. */
export const AnswersFile =
  (type: string): MethodDecorator =>
  (target, method) =>
    void files.set(`${target.constructor.name}_${String(method)}`, type);

export const fileTypeOf = (controller: string, method: string): string | undefined =>
  files.get(`${controller}_${method}`);

export function answerOf(controller: string, method: string): TSchema | undefined {
  const history = method === 'history' ? historyPage : undefined;
  return answers.get(`${controller}_${method}`) ?? history ?? answers.get(controller);
}

const text = Type.String();
const instant = Type.String({ format: 'date-time' });

export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** A record of one stream, as `GET /api/<plural>/:id` answers it. */
export const record = (title: string, fields: TProperties) =>
  Type.Object({ id: Type.String({ format: 'uuid' }), version: Type.Integer({ minimum: 0 }), ...fields }, { title });

/** A page of something, with what stands beside its items. */
export const page = (title: string, item: TSchema, beside: TProperties = {}) =>
  Type.Object({ items: Type.Array(item), nextCursor: orNull(text), ...beside }, { title: `${title}Page` });

/** How many there are; `exact` where they were counted to the end. */
export const Total = Type.Object({ value: Type.Integer(), exact: Type.Boolean() }, { title: 'Total' });
export const Actor = Type.Object({ type: text, id: text }, { title: 'Actor' });
const historyPage = page(
  'History',
  Type.Object(
    {
      id: text,
      type: text,
      version: Type.Integer(),
      position: Type.Integer(),
      occurredAt: instant,
      effectiveAt: instant,
      recordedAt: instant,
      actor: Actor,
      source: text,
      commandId: text,
      causationId: Type.Optional(text),
      recordId: Type.Optional(text),
      data: Type.Record(text, Type.Unknown()),
    },
    { title: 'HistoryItem' },
  ),
);

/** RFC 9457. */
export const ProblemAnswer = Type.Object(
  {
    type: text,
    title: text,
    status: Type.Integer(),
    detail: text,
    code: text,
    traceId: text,
    errors: Type.Optional(
      Type.Array(
        Type.Object(
          { path: text, code: text, message: text, params: Type.Optional(Type.Record(text, Type.Unknown())) },
          { title: 'FieldError' },
        ),
      ),
    ),
    /** How many errors there are beyond those that are listed. */
    moreErrors: Type.Optional(Type.Integer()),
  },
  { title: 'Problem' },
);
