import { AnalyticsModule } from '@throughline/analytics-service';
import { CustomersModule } from '@throughline/customers-service';
import { GatewayModule } from '@throughline/gateway-service';
import { InteractionsModule } from '@throughline/interactions-service';
import { SalesModule } from '@throughline/sales-service';
import { definitionOf } from '@throughline/service';

/** What every service of the CRM consists of: what a backup saves, and how a restore makes its tables. */
export const definitions = [GatewayModule, CustomersModule, InteractionsModule, SalesModule, AnalyticsModule].map(
  definitionOf,
);
