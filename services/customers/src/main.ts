import { serve } from '@throughline/service';
import { CustomersModule } from './customers.module.ts';

await serve(CustomersModule);
