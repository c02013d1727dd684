import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import type { FieldError } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { checkCustomer } from '../cleaning/check-customer.ts';
import { asShown, withConverted } from '../customer/customer-fields.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import { customOfTexts } from '../field/custom-texts.ts';
import { BrokenRules, NewCustomerDto } from './broken-rules.dto.ts';

/**
 * What rules and the definitions of custom fields have against a new customer, for the gateway, before it thanks whoever filled
 * in a form. Whose a value is already is none of a stranger's business: `unique` rules say nothing here.
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
    const { custom, errors: unread } = customOfTexts(fields.custom ?? {}, rules.fieldSet);
    const given = asShown(withConverted({ ...fields, custom }, rules.fieldSet));
    const { errors } = checkCustomer(customer.initial, given, context);
    const wrong = [...unread, ...errors.filter(isWrongValue)];
    const broken = errors.filter(({ path, code }) => code === 'rule-failed' && !wrong.some((one) => one.path === path));
    return { errors: [...wrong, ...broken] };
  }
}

/** What nobody defined is nothing that whoever fills in a form can mend. */
const isWrongValue = ({ path, code }: FieldError): boolean =>
  path.startsWith('custom.') && !['rule-failed', 'unknown-field'].includes(code);
