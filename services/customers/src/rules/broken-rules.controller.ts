import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Answers } from '@throughline/service';
import { checkCustomer } from '../cleaning/check-customer.ts';
import { asShown, withConverted } from '../customer/customer-fields.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import { BrokenRules, NewCustomerDto } from './broken-rules.dto.ts';

/**
 * What rules have against a new customer, for the gateway, before it thanks whoever filled in a form. Whose a value is already
 * is none of a stranger's business: `unique` rules say nothing here.
 */
@Controller('internal/customers/broken-rules')
@Answers(BrokenRules)
export class BrokenRulesController {
  constructor(private readonly current: CurrentRules) {}

  @Post()
  @HttpCode(200)
  async check(@Body() { fields }: NewCustomerDto) {
    const { rules } = await this.current.read();
    const context = { now: new Date().toISOString(), entry: 'form', rules } as const;
    const { errors } = checkCustomer(customer.initial, asShown(withConverted(fields, rules.fieldSet)), context);
    return { errors: errors.filter(({ code }) => code === 'rule-failed') };
  }
}
