import { serve } from '@throughline/service';
import { InteractionsModule } from './interactions.module.ts';

await serve(InteractionsModule);
