import {
  InstantText,
  MoneyAnswer,
  OneOf,
  Uuid,
  customerRecord,
  dealRecord,
  interactionRecord,
  orderRecord,
  setBy,
} from '@throughline/contracts';
import { Total, orNull, page } from '@throughline/service';
import { Allow, IsIn, IsOptional, IsString, Matches, MaxLength, ValidateBy } from 'class-validator';
import { Type, type TProperties } from 'typebox';

const text = Type.String();
const facet = Type.Object(
  { value: Type.Union([text, Type.Boolean()]), count: Type.Integer() },
  { title: 'FacetValue' },
);

/** Every property but the id may be left out by `fields`. */
const list = (title: string, fields: TProperties) =>
  page(
    `${title}List`,
    Type.Object(
      {
        id: Uuid,
        ...Type.Partial(Type.Object({ ...fields, createdAt: InstantText, updatedAt: InstantText })).properties,
      },
      { title: `${title}Item` },
    ),
    { total: Total, facets: Type.Record(text, Type.Array(facet)) },
  );
const customerName = orNull(text);
const permission = OneOf(['yes', 'no', 'unknown'] as const);
export const CustomerList = list('Customer', {
  ...customerRecord,
  /** Those of all its records. */
  numbers: Type.Array(text),
  /** In whole years. */
  age: Type.Integer(),
  revenue: orNull(MoneyAnswer),
  /** What cannot be added to `revenue`: orders in other currencies without a rate into the base currency. */
  revenueOther: Type.Array(MoneyAnswer),
  orderCount: Type.Integer(),
  firstOrderAt: orNull(InstantText),
  lastOrderAt: orNull(InstantText),
  typeSetBy: OneOf(setBy),
  /** What follows from the orders; `type` where nobody gave one. */
  derivedType: OneOf(['potential', 'new', 'existing'] as const),
  /** 0 to 100; not of those who were erased. */
  quality: Type.Optional(Type.Integer()),
  qualityIssues: Type.Optional(Type.Array(text)),
  lastInteractionAt: orNull(InstantText),
  doNotContact: Type.Boolean(),
  marketingEmail: permission,
  marketingPhone: permission,
  marketingSms: permission,
  marketingMessenger: permission,
  marketingPost: permission,
  consents: Type.Array(text),
  optOuts: Type.Array(text),
});
export const OrderList = list('Order', { ...orderRecord, customerName });
export const DealList = list('Deal', {
  ...dealRecord,
  pipelineId: orNull(Uuid),
  stage: orNull(text),
  closedAt: orNull(InstantText),
  customerName,
});
export const InteractionList = list('Interaction', { ...interactionRecord, customerName });

const range = Type.Object({ start: Type.Integer(), end: Type.Integer() }, { title: 'Range' });
const highlight = Type.Object({ field: text, value: text, ranges: Type.Array(range) }, { title: 'Highlight' });
export const SearchResult = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          type: text,
          id: Uuid,
          title: Type.Optional(text),
          score: Type.Number(),
          highlights: Type.Array(highlight),
          record: Type.Record(text, Type.Unknown()),
        },
        { title: 'Hit' },
      ),
    ),
    total: Type.Record(text, Total),
  },
  { title: 'SearchResult' },
);

/** `GET /api/<plural>`: everything as text; what it says is read by `readListQuery`. */
export class ListQueryDto {
  @IsOptional() @IsString() q?: string;
  /** JSON */
  @IsOptional() @IsString() filter?: string;
  /** Names, `-` before those that go down, separated by commas. */
  @IsOptional() @IsString() sort?: string;
  @IsOptional() @IsString() limit?: string;
  @IsOptional() @IsString() cursor?: string;
  @IsOptional() @IsString() facets?: string;
  @IsOptional() @IsString() fields?: string;
}

const isText = (value: unknown) => typeof value === 'string';
const areNames = (value: unknown) => isText(value) || (Array.isArray(value) && value.every(isText));
const Names = () => ValidateBy({ name: 'areNames', validator: { validate: areNames } });
const isNumberOrText = (value: unknown) => isText(value) || typeof value === 'number';
const NumberOrText = () => ValidateBy({ name: 'isNumberOrText', validator: { validate: isNumberOrText } });

/** `POST /api/<plural>/query`: the same; the filter as an object, names also as lists. */
export class ListQueryBody {
  @IsOptional() @IsString() q?: string;
  @Allow() filter?: unknown;
  @IsOptional() @Names() sort?: string | string[];
  @IsOptional() @NumberOrText() limit?: number | string;
  @IsOptional() @IsString() cursor?: string;
  @IsOptional() @Names() facets?: string | string[];
  @IsOptional() @Names() fields?: string | string[];
}

/** What selects records, of a list's query. */
export class SelectionBody {
  @IsOptional() @IsString() q?: string;
  @Allow() filter?: unknown;
}

export class SearchQueryDto {
  @IsString() @MaxLength(500) q!: string;
  /** `customers,orders,deals,interactions`; all unless given. */
  @IsOptional() @IsString() types?: string;
  @IsOptional() @Matches(/^\d{1,3}$/) limit?: string;
  @IsOptional() @IsIn(['true', 'false']) archived?: 'true' | 'false';
}
