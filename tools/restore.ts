// `npm run restore -- --from DIR [--service NAME] [--replace | --drill]`: puts a backup in place, or tries whether it could be;
// the drill also takes the folder that holds backups, and of those the newest.
import { parseArgs } from 'node:util';
import { services } from '@throughline/contracts';
import { drillBackup, openInstallation, restoreBackup } from '@throughline/service';
import { definitions } from './definitions.ts';

const usage = 'usage: npm run restore -- --from DIR [--service NAME] [--replace | --drill]';

async function main(args: string[]): Promise<void> {
  const { from, service, replace, drill } = parseArgs({
    args,
    options: {
      from: { type: 'string' },
      service: { type: 'string' },
      replace: { type: 'boolean', default: false },
      drill: { type: 'boolean', default: false },
    },
  }).values;
  const chosen = services.find((name) => name === service);
  if (from === undefined || (replace && drill)) throw new Error(usage);
  if (service !== undefined && !chosen) throw new Error(`there is no service ${service}: ${services.join(', ')}`);
  const { config, close } = await openInstallation(process.env, true);
  try {
    const options = { config, definitions, from, service: chosen };
    if (drill) {
      const { at, stores } = await drillBackup(options);
      for (const one of stores.filter((store) => !chosen || store.service === chosen))
        print(`${one.service}: ${one.events} events and ${one.tables.length} tables are as they were saved at ${at}`);
    } else {
      for (const { service: name, events, head, generation } of await restoreBackup({ ...options, replace }))
        print(`${name}: restored with ${events} events up to position ${head}, as generation ${generation}`);
    }
  } finally {
    await close();
  }
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
