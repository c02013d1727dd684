// `npm run backup -- --to DIR`: saves all stores and the keyring; `--list DIR` and `--verify DIR` look at what is there.
import { parseArgs } from 'node:util';
import { secretsFrom } from '@throughline/event-sourcing';
import {
  backupsIn,
  checkBackup,
  masterKeyOf,
  openInstallation,
  readManifest,
  writeBackup,
  type Backup,
} from '@throughline/service';
import { definitions } from './definitions.ts';

const usage = 'usage: npm run backup -- --to DIR | --list DIR | --verify DIR';

async function main(args: string[]): Promise<void> {
  const options = { to: { type: 'string' }, list: { type: 'string' }, verify: { type: 'string' } } as const;
  const { to, list, verify } = parseArgs({ args, options }).values;
  if ([to, list, verify].filter((one) => one !== undefined).length !== 1) throw new Error(usage);
  if (to !== undefined) return backUp(to);
  // To look at backups it takes the key only.
  const secrets = secretsFrom(await masterKeyOf(process.env));
  if (verify !== undefined)
    return print(`${verify}: ${summary(await checkBackup(verify, secrets))}; every file is what was written`);
  const folders = await backupsIn(list as string);
  if (folders.length === 0) throw new Error(`there is no backup in ${list}`);
  for (const folder of folders) print(await line(folder, () => readManifest(folder, secrets)));
}

async function backUp(to: string): Promise<void> {
  const { config, close } = await openInstallation(process.env);
  try {
    const folder = await writeBackup(config, definitions, to);
    print(`${folder}: ${summary(await checkBackup(folder, secretsFrom(config.masterKey)))}`);
  } finally {
    await close();
  }
}

async function line(folder: string, read: () => Promise<Backup>): Promise<string> {
  try {
    return `${folder}: ${summary(await read())}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function summary({ at, stores, keyring }: Backup): string {
  const hours = (Date.now() - Date.parse(at)) / 3_600_000;
  const age = hours < 48 ? `${hours.toFixed(1)} hours` : `${Math.floor(hours / 24)} days`;
  const events = stores.reduce((sum, store) => sum + store.events, 0);
  const files = [...stores.flatMap(({ tables }) => tables), ...keyring];
  const megabytes = files.reduce((sum, { file }) => sum + file.bytes, 0) / 1_048_576;
  return `${age} old, ${events} events of ${stores.length} services, ${megabytes.toFixed(1)} MB`;
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
