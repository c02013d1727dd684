import { InstantText, OneOf, Uuid, directions, interactionKinds } from '@throughline/contracts';
import { Actor, orNull, page } from '@throughline/service';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
export const Timeline = page(
  'Timeline',
  Type.Object(
    {
      id: Uuid,
      at: InstantText,
      kind: text,
      recordId: Uuid,
      type: text,
      title: orNull(text),
      actor: Actor,
      source: orNull(text),
      data: Type.Record(text, Type.Unknown()),
    },
    { title: 'TimelineItem' },
  ),
);
export const FirstContact = Type.Object(
  {
    interactionId: Uuid,
    at: InstantText,
    kind: OneOf(interactionKinds),
    direction: orNull(OneOf(directions)),
    subject: orNull(text),
    outcome: orNull(text),
  },
  { title: 'FirstContact' },
);

export class TimelineQueryDto {
  /** `customer,merge,unmerge,consent,order,payment,refund,deal,call,email,…`; `interaction` stands for all of its kinds. */
  @IsOptional() @IsString() @MaxLength(500) kinds?: string;
  @IsOptional() @Matches(/^\d{1,3}$/) limit?: string;
  @IsOptional() @IsString() @MaxLength(500) cursor?: string;
}
