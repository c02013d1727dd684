import { IsIn, IsOptional, Matches } from 'class-validator';

export const deliveryStatuses = ['received', 'applied', 'failed'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export class DeliveriesQuery {
  @IsOptional() @IsIn(deliveryStatuses) status?: DeliveryStatus;
  @IsOptional() @Matches(/^\d{1,18}$/) cursor?: string;
  @IsOptional() @Matches(/^([1-9]\d?|1\d\d|200)$/) limit?: string;
}
