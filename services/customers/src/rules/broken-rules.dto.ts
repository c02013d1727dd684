import type { CustomerFields } from '@throughline/contracts';
import { IsObject } from 'class-validator';
import { Type } from 'typebox';

export class NewCustomerDto {
  /** As events have them, custom ones as texts. */
  @IsObject() fields!: CustomerFields;
}

const text = Type.String();
export const BrokenRules = Type.Object(
  {
    errors: Type.Array(
      Type.Object(
        { path: text, code: text, params: Type.Optional(Type.Object({ ruleId: text, zh: text, en: text })) },
        { title: 'BrokenRule' },
      ),
    ),
  },
  { title: 'BrokenRules' },
);
