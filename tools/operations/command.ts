import { parseArgs } from 'node:util';

/** Something to tell whoever asked, in one line. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** Answers with the exit code. */
export type Command = (args: readonly string[]) => Promise<number>;

/** Runs a tool to its exit code; of a failure it says the one line. */
export async function endWith(work: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}

type Options = Readonly<Record<string, { type: 'string' | 'boolean' }>>;
export type Asked = { verb: string; id: string; json: boolean; options: Readonly<Record<string, string | undefined>> };

const common = { url: { type: 'string' }, json: { type: 'boolean' } } as const;

/**
 * Reads `<verb> [<id>] [--options]`.
 *
 * @param verbs what can be asked, and whether it takes an id
 * @throws Failure that says what is wrong, and how it is used
 */
export function asked(
  args: readonly string[],
  usage: string,
  verbs: Readonly<Record<string, { id: boolean; options?: readonly string[] }>>,
): Asked {
  const wrong = (what: string) => new Failure(`${what}; usage: ${usage}`);
  const options = Object.values(verbs).flatMap((verb) => verb.options ?? []);
  let parsed;
  try {
    const known: Options = { ...common, ...Object.fromEntries(options.map((name) => [name, { type: 'string' }])) };
    parsed = parseArgs({ args: [...args], options: known, allowPositionals: true });
  } catch (error) {
    throw wrong((error as Error).message.split('. ', 1)[0] as string);
  }
  const { json, ...given } = parsed.values;
  const [name, id, ...more] = parsed.positionals;
  if (name === undefined) throw wrong('nothing is asked for');
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (!verb) throw wrong(`"${name}" is not known`);
  if (verb.id && id === undefined) throw wrong(`${name} of what?`);
  const superfluous = verb.id ? more[0] : id;
  if (superfluous !== undefined) throw wrong(`"${superfluous}" is too much`);
  const foreign = options.find((option) => given[option] !== undefined && !verb.options?.includes(option));
  if (foreign) throw wrong(`${name} takes no --${foreign}`);
  return { verb: name, id: id ?? '', json: json === true, options: given as Asked['options'] };
}
