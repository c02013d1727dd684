import { serve } from '@throughline/service';
import { SalesModule } from './sales.module.ts';

await serve(SalesModule);
