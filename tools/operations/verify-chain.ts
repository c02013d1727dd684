import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { services, type ServiceName } from '@throughline/contracts';
import { secretsFrom, verifyChain, writeOnceFolder, type Finding, type Proof } from '@throughline/event-sourcing';
import { databaseUrl, openInstallation } from '@throughline/service';
import pg from 'pg';
import { Failure } from './command.ts';

const mostShown = 100;

/**
 * `verify-chain [--service NAME] [--anchors DIR]`: checks every event against its chain and against the anchors.
 *
 * @returns 1 where anything was found
 * @throws Failure that ends with 2, where it could not look
 */
export async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
  print: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): Promise<number> {
  try {
    return await verify(args, environment, print);
  } catch (error) {
    throw new Failure((error as Error).message, 2);
  }
}

async function verify(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  print: (line: string) => void,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { service: { type: 'string' }, anchors: { type: 'string' } },
  });
  const chosen = values.service === undefined ? services : services.filter((name) => name === values.service);
  if (chosen.length === 0) throw new Error(`there is no service ${values.service}: ${services.join(', ')}`);
  if (values.anchors !== undefined && !existsSync(values.anchors)) throw new Error(`there is no ${values.anchors}`);
  const { config, close } = await openInstallation(environment);
  try {
    const folder = values.anchors ?? config.anchorDir;
    let findings = 0;
    for (const service of chosen) {
      const database = databaseUrl(config.databaseUrl, config.databasePrefix + service);
      const pool = new pg.Pool({ connectionString: database, max: 1 });
      try {
        let shown = 0;
        const found = ({ kind, detail }: Finding) => {
          shown += 1;
          if (shown <= mostShown) print(`${service}: ${kind}: ${detail}`);
        };
        const anchors = folder === undefined ? undefined : writeOnceFolder(folder);
        const proof = await verifyChain({ service, pool, secrets: secretsFrom(config.masterKey), anchors, found });
        if (shown > mostShown) print(`${service}: and ${shown - mostShown} more`);
        print(`${service}: ${summary(service, proof)}`);
        findings += proof.findings;
      } finally {
        await pool.end();
      }
    }
    return findings > 0 ? 1 : 0;
  } finally {
    await close();
  }
}

function summary(service: ServiceName, { events, head, proved, anchoredAt, findings }: Proof): string {
  const verdict = findings === 0 ? 'nothing found' : `found: ${findings}`;
  if (events === 0 && anchoredAt === undefined) return `${verdict}; there are no events`;
  if (anchoredAt === undefined)
    return `${verdict}; ${service} has no anchors: of ${events} events only the streams chain, and a whole stream could be missing`;
  const reached = `proved up to position ${proved} of ${head}, anchored at ${anchoredAt}`;
  return `${verdict}; ${reached}${head > proved ? '; after that only the streams chain' : ''}`;
}
