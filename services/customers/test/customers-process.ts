// A process that serves customers on databases that are there, in one of the roles, until it is killed. Says its address,
// then, asked by a line, how much memory it took at most.
import type { ServiceConfig } from '@throughline/service';
import { startTestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

const [databasePrefix = '', role = 'all'] = process.argv.slice(2);
const config = { databasePrefix, role: role as ServiceConfig['role'] };
const { url } = await startTestService(CustomersModule, { listensTo: ['gateway'], config });
process.stdout.write(`${url}\n`);
process.stdin.on('data', () => process.stdout.write(`${process.resourceUsage().maxRSS}\n`));
