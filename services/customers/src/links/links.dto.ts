import { Uuid } from '@throughline/contracts';
import { page } from '@throughline/service';
import { IsOptional, IsUUID, Matches } from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
const optional = Type.Optional(text);

export class LinksQuery {
  @IsOptional() @IsUUID() cursor?: string;
  @IsOptional() @Matches(/^\d{1,3}$/) limit?: string;
}

const named = { id: Uuid, number: text, name: optional };
export const PeopleAt = page(
  'PersonAt',
  Type.Object(
    {
      ...named,
      title: optional,
      department: optional,
      standing: optional,
      emails: Type.Optional(Type.Array(text)),
      phones: Type.Optional(Type.Array(text)),
      archived: Type.Boolean(),
    },
    { title: 'PersonAt' },
  ),
);

const Relative = Type.Object({ ...named, archived: Type.Boolean() }, { title: 'Relative' });
export const Hierarchy = Type.Object(
  {
    /** The company that it belongs to, then the one that this belongs to, up to the top. */
    parents: Type.Array(Relative),
    /** The companies that belong to it, without those below them. */
    children: Type.Array(Relative),
    /** Where there are more children: the cursor of the next ones. */
    nextCursor: Type.Union([text, Type.Null()]),
  },
  { title: 'Hierarchy' },
);
