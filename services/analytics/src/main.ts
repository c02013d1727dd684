import { serve } from '@throughline/service';
import { AnalyticsModule } from './analytics.module.ts';

await serve(AnalyticsModule);
