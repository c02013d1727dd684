import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Answers, IdPipe } from '@throughline/service';
import { BounceDto, Care, ConfirmDto } from './care.dto.ts';
import { CareOfCustomers } from './care.store.ts';

/** Whether what is recorded of a customer is still right. */
@Controller('customers/:id')
@Answers(Care)
export class CareController {
  constructor(private readonly care: CareOfCustomers) {}

  @Get('care')
  read(@Param('id', IdPipe) id: string) {
    return this.care.read(id);
  }

  /** It is still right. */
  @Post('confirm')
  @HttpCode(200)
  confirm(@Param('id', IdPipe) id: string, @Body() { how = 'person' }: ConfirmDto) {
    return this.care.confirm(id, how);
  }

  /** A message to this address could not be delivered. */
  @Post('emails/bounced')
  @HttpCode(200)
  bounced(@Param('id', IdPipe) id: string, @Body() body: BounceDto) {
    return this.care.bounced(id, body);
  }
}
