import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export class TimelineQueryDto {
  /** `customer,order,payment,refund,deal,call,email,…`; `interaction` stands for all of its kinds. */
  @IsOptional() @IsString() @MaxLength(500) kinds?: string;
  @IsOptional() @Matches(/^\d{1,3}$/) limit?: string;
  @IsOptional() @IsString() @MaxLength(500) cursor?: string;
}
