// A process that serves customers on databases that are there, until it is killed. Says its address, then, asked by a
// line, how much memory it took at most.
import { startTestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

const [databasePrefix = ''] = process.argv.slice(2);
const { url } = await startTestService(CustomersModule, { listensTo: ['gateway'], config: { databasePrefix } });
process.stdout.write(`${url}\n`);
process.stdin.on('data', () => process.stdout.write(`${process.resourceUsage().maxRSS}\n`));
