import { Service } from '@throughline/service';
import { BiWatchdog } from './bi/bi-watchdog.worker.ts';
import { BiSchema } from './bi/bi-schema.store.ts';
import { ImpactReader } from './privacy/impact.reader.ts';
import { PersonalDataReader } from './privacy/personal-data.reader.ts';
import { PrivacyController } from './privacy/privacy.controller.ts';
import { privacy } from './privacy/privacy.view.ts';
import { ReportController } from './reports/report.controller.ts';
import { Reports } from './reports/reports.store.ts';
import { customerPast } from './exports/customer-past.view.ts';
import { CustomersThen } from './exports/customers-then.reader.ts';
import { OwnFields } from './exports/own-fields.reader.ts';
import { ExportListController } from './exports/export-list.controller.ts';
import { ExportList, exportList } from './exports/export-list.view.ts';
import { ExportSettingsController } from './exports/export-settings.controller.ts';
import { ExportController } from './exports/export.controller.ts';
import { Exports } from './exports/exports.store.ts';
import { ListsController } from './lists/lists.controller.ts';
import { SelectionsController } from './lists/selections.controller.ts';
import { Lists } from './lists/lists.reader.ts';
import { SearchIndexer } from './search/search.indexer.ts';
import { searchEngine } from './search/search.providers.ts';
import { searchDocuments, searchFolds } from './search/search.view.ts';
import { TimelineController } from './timeline/timeline.controller.ts';
import { Timelines } from './timeline/timeline.reader.ts';
import { timeline } from './timeline/timeline.view.ts';
import { goldenCustomer } from './star/golden-customer.view.ts';
import { star } from './star/star.view.ts';

@Service({
  name: 'analytics',
  folds: [...star, ...searchFolds, ...timeline, ...privacy, exportList, customerPast],
  documents: [...searchDocuments, goldenCustomer],
  controllers: [
    ListsController,
    ExportController,
    ExportSettingsController,
    ExportListController,
    SelectionsController,
    TimelineController,
    ReportController,
    PrivacyController,
  ],
  providers: [
    searchEngine,
    Lists,
    Exports,
    ExportList,
    CustomersThen,
    OwnFields,
    Timelines,
    BiSchema,
    Reports,
    PersonalDataReader,
    ImpactReader,
  ],
  workers: [SearchIndexer, BiWatchdog],
  forgets: [SearchIndexer],
})
export class AnalyticsModule {}
