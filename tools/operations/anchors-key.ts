import { anchorPublicKey, secretsFrom } from '@throughline/event-sourcing';
import { masterKeyOf } from '@throughline/service';
import { Failure } from './command.ts';

/** `anchors-key`: the public key that anchors are checked with, for whoever shall be able to. Needs no database. */
export async function run(
  _: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
  print: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): Promise<number> {
  try {
    const key = anchorPublicKey(secretsFrom(await masterKeyOf(environment)));
    print(key.export({ type: 'spki', format: 'pem' }).toString().trimEnd());
    return 0;
  } catch (error) {
    throw new Failure((error as Error).message);
  }
}
