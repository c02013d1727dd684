import { IsString, MinLength } from 'class-validator';
import { ChangeCustomerDto } from '../customer/customer.dto.ts';

/** A file of cards, and beside it what holds for all of them, whatever they say themselves. */
export class VcardDto extends ChangeCustomerDto {
  @IsString() @MinLength(1) vcard!: string;
}
