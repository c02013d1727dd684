import { ConfigError } from '@throughline/service';
import { startAllInOne } from './all-in-one.ts';

try {
  const crm = await startAllInOne(process.env);
  for (const line of crm.greeting) process.stdout.write(`${line}\n`);
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) return;
    ending = true;
    // Nothing is lost by it: what was answered is stored, and the next start goes on from the checkpoints.
    setTimeout(() => process.exit(1), 9_000).unref();
    crm.stop().then(
      () => process.exit(0),
      (error: Error) => {
        process.stderr.write(`stopping on ${signal} failed: ${error.message}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
} catch (error) {
  const { message, stack } = error as Error;
  const expected = error instanceof ConfigError || !process.env['THROUGHLINE_DEBUG'];
  process.stderr.write(`Throughline could not start: ${expected ? message : stack}\n`);
  process.exit(1);
}
