import { OneOf, duplicateBands } from '@throughline/contracts';
import { orNull } from '@throughline/service';
import { Type } from 'typebox';

const text = Type.String();

export const Reason = Type.Object({ field: text, level: text, weight: Type.Number() }, { title: 'DuplicateReason' });

const match = {
  customerId: Type.String({ format: 'uuid' }),
  number: text,
  name: orNull(text),
  score: Type.Number({ description: 'log2 of the odds that they are the same.' }),
  probability: Type.Number(),
  band: OneOf(duplicateBands),
  reasons: Type.Array(Reason),
};

export const Matched = Type.Object(
  { matches: Type.Array(Type.Object(match, { title: 'Match' })) },
  { title: 'Matches' },
);

/** What a customer that was recorded all the same may be a duplicate of. */
export const Warning = Type.Object({ code: Type.Literal('possible-duplicate'), ...match }, { title: 'Warning' });
