import { customerAlias } from './customer-alias.view.ts';
import { customField } from './custom-field.view.ts';
import { customerCustomField } from './customer-custom-field.view.ts';
import { dimCustomer } from './dim-customer.view.ts';
import { dimCustomerHistory } from './dim-customer-history.view.ts';
import { dimDeal } from './dim-deal.view.ts';
import { dimDealHistory } from './dim-deal-history.view.ts';
import { dimStage } from './dim-stage.view.ts';
import { duplicatePair } from './duplicate-pair.view.ts';
import { factInteraction } from './fact-interaction.view.ts';
import { factOrderLine } from './fact-order-line.view.ts';
import { factPayment } from './fact-payment.view.ts';
import { factStageVisit } from './fact-stage-visit.view.ts';
import { organisation } from './organisation.view.ts';
import { tagName } from './tag-name.view.ts';

/** Everything that the schema `bi`, and the reports on it, are made of. */
export const star = [
  customerAlias,
  customField,
  customerCustomField,
  dimCustomer,
  dimCustomerHistory,
  dimDeal,
  dimDealHistory,
  dimStage,
  duplicatePair,
  factInteraction,
  factOrderLine,
  factPayment,
  factStageVisit,
  organisation,
  tagName,
];
