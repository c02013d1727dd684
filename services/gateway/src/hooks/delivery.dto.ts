import { InstantText, OneOf, Uuid } from '@throughline/contracts';
import { orNull, page } from '@throughline/service';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { Type } from 'typebox';

export const deliveryStatuses = ['received', 'applied', 'ignored', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export const Delivery = Type.Object(
  {
    id: Uuid,
    deliveryId: Type.String(),
    status: OneOf(deliveryStatuses),
    reason: orNull(Type.String()),
    attempts: Type.Integer(),
    receivedAt: InstantText,
    settledAt: orNull(InstantText),
  },
  { title: 'Delivery' },
);
export const DeliveryPage = page('Delivery', Delivery);
export const Taken = Type.Object({ delivery: Uuid }, { title: 'Taken' });

export class DeliveriesQuery {
  @IsOptional() @IsIn(deliveryStatuses) status?: DeliveryStatus;
  @IsOptional() @Matches(/^\d{1,18}$/) cursor?: string;
  @IsOptional() @Matches(/^([1-9]\d?|1\d\d|200)$/) limit?: string;
}
