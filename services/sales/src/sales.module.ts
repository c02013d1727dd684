import { Service } from '@throughline/service';
import { DealController } from './deal/deal.controller.ts';
import { PipelineBoard, pipelineBoard } from './deal/pipeline-board.view.ts';
import { ExchangeRateController } from './exchange-rate/exchange-rate.controller.ts';
import { ExchangeRates, exchangeRates } from './exchange-rate/exchange-rates.view.ts';
import { OrderNumber1700000000001 } from './migrations/1-order-number.migration.ts';
import { OrderNumbers } from './order/order-numbers.store.ts';
import { OrderRules } from './order/order-rules.store.ts';
import { OrderController } from './order/order.controller.ts';
import { Organisation, organisation } from './order/organisation.view.ts';
import { PipelineRules } from './pipeline/pipeline-rules.store.ts';
import { PipelineController } from './pipeline/pipeline.controller.ts';
import { Pipelines, pipelines } from './pipeline/pipelines.view.ts';
import { CloseDealsWhenCustomerArchived } from './policies/close-deals-when-customer-archived.policy.ts';
import { RecordOrderWhenSeen } from './policies/record-order-when-seen.policy.ts';

@Service({
  name: 'sales',
  controllers: [OrderController, ExchangeRateController, DealController, PipelineController],
  policies: [RecordOrderWhenSeen, CloseDealsWhenCustomerArchived],
  folds: [pipelineBoard, pipelines, exchangeRates, organisation],
  providers: [OrderNumbers, OrderRules, Organisation, ExchangeRates, Pipelines, PipelineRules, PipelineBoard],
  migrations: [OrderNumber1700000000001],
})
export class SalesModule {}
