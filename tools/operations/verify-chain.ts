import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { services, type ServiceName } from '@throughline/contracts';
import { secretsFrom, verifyChain, writeOnceFolder, type Finding, type Proof } from '@throughline/event-sourcing';
import { databaseUrl, openInstallation } from '@throughline/service';
import pg from 'pg';
import { Failure } from './command.ts';

const mostShown = 100;

/** As `--json` tells of a service; `shown` are the first of its findings. */
type Item = Omit<Proof, 'anchoredAt'> & { service: ServiceName; anchoredAt: string | null; shown: readonly Finding[] };

/**
 * `verify-chain [--service NAME] [--anchors DIR] [--json]`: checks every event against its chain and against the anchors.
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
    options: { service: { type: 'string' }, anchors: { type: 'string' }, json: { type: 'boolean' } },
  });
  const chosen = values.service === undefined ? services : services.filter((name) => name === values.service);
  if (chosen.length === 0) throw new Error(`there is no service ${values.service}: ${services.join(', ')}`);
  if (values.anchors !== undefined && !existsSync(values.anchors)) throw new Error(`there is no ${values.anchors}`);
  const { config, close } = await openInstallation(environment);
  try {
    const folder = values.anchors ?? config.anchorDir;
    const items: Item[] = [];
    for (const service of chosen) {
      const database = databaseUrl(config.databaseUrl, config.databasePrefix + service);
      const pool = new pg.Pool({ connectionString: database, max: 1 });
      try {
        const shown: Finding[] = [];
        const found = (finding: Finding) => {
          if (shown.length === mostShown) return;
          shown.push(finding);
          if (!values.json) print(`${service}: ${finding.kind}: ${finding.detail}`);
        };
        const anchors = folder === undefined ? undefined : writeOnceFolder(folder);
        const proof = await verifyChain({ service, pool, secrets: secretsFrom(config.masterKey), anchors, found });
        items.push({ service, ...proof, anchoredAt: proof.anchoredAt ?? null, shown });
        if (values.json) continue;
        if (proof.findings > mostShown) print(`${service}: and ${proof.findings - mostShown} more`);
        print(`${service}: ${summary(service, proof)}`);
      } finally {
        await pool.end();
      }
    }
    if (values.json) print(JSON.stringify({ items }));
    return items.some(({ findings }) => findings > 0) ? 1 : 0;
  } finally {
    await close();
  }
}

function summary(service: ServiceName, { events, head, proved, anchoredAt, findings }: Proof): string {
  const verdict = findings === 0 ? 'nothing found' : `found: ${findings}`;
  if (events === 0 && anchoredAt === undefined) return `${verdict}; there are no events`;
  if (anchoredAt === undefined)
    return `${verdict}; ${service} has no anchors: of ${events} events only the streams chain, and a whole stream could be missing`;
  if (proved > head)
    return `${verdict}; anchored up to position ${proved} at ${anchoredAt}, and the log ends at ${head}`;
  const reached = `proved up to position ${proved} of ${head}, anchored at ${anchoredAt}`;
  return `${verdict}; ${reached}${head > proved ? '; after that only the streams chain' : ''}`;
}
