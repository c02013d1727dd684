import { Service } from '@throughline/service';
import { AccessController } from './access/access.controller.ts';
import { Credentials } from './access/credentials.store.ts';
import { FirstAccessStore } from './access/first-access.store.ts';
import { connectionList } from './connection/connection-list.view.ts';
import { ConnectionController } from './connection/connection.controller.ts';
import { Connections } from './connection/connections.store.ts';
import { KnownCustomFields, customFields } from './form/custom-fields.view.ts';
import { formList } from './form/form-list.view.ts';
import { FormRules } from './form/form-rules.client.ts';
import { FormController } from './form/form.controller.ts';
import { Forms } from './form/forms.store.ts';
import { PublicFormController } from './form/public-form.controller.ts';
import { Submissions } from './form/submissions.store.ts';
import { Deliveries } from './hooks/deliveries.store.ts';
import { ErasedRecords } from './erasure/erased-records.store.ts';
import { DeliveriesWorker } from './hooks/deliveries.worker.ts';
import { HookController } from './hooks/hook.controller.ts';
import { Gateway1700000000001 } from './migrations/1-gateway.migration.ts';
import { ErasedRecords1700000000002 } from './migrations/2-erased-records.migration.ts';
import { Forms1700000000003 } from './migrations/3-forms.migration.ts';
import { IgnoredDeliveries1700000000004 } from './migrations/4-ignored-deliveries.migration.ts';
import { RememberRecordWhenPersonErased } from './policies/remember-record-when-person-erased.policy.ts';
import { SettingsController } from './settings/settings.controller.ts';

@Service({
  name: 'gateway',
  controllers: [
    AccessController,
    ConnectionController,
    HookController,
    FormController,
    PublicFormController,
    SettingsController,
  ],
  folds: [connectionList, formList, customFields],
  policies: [RememberRecordWhenPersonErased],
  providers: [
    Credentials,
    FirstAccessStore,
    Connections,
    Deliveries,
    ErasedRecords,
    Forms,
    FormRules,
    KnownCustomFields,
  ],
  forgets: [ErasedRecords, Submissions],
  workers: [DeliveriesWorker, Submissions],
  migrations: [Gateway1700000000001, ErasedRecords1700000000002, Forms1700000000003, IgnoredDeliveries1700000000004],
  keeps: ['passwords', 'api_keys', 'connection_secrets', 'deliveries', 'erased_records', 'form_texts', 'form_refusals'],
})
export class GatewayModule {}
