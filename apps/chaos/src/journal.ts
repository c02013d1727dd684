import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What a client was told of its command. `events` is left out where the answer does not say how many they were. */
export type Acknowledged = {
  position: number;
  events?: number;
  streams: readonly { type: string; id: string; version: number }[];
};

/** What a client knows of one of its commands: no answer yet, a refusal, or one acknowledgement for each time it asked. */
export type Told = { refused?: string; acknowledged: Acknowledged[] };

type Line = { begun: string } | { refused: string; code: string } | ({ acknowledged: string } & Acknowledged);

/** A file that outlives the process which writes it: every line is with the system before the next step is taken. */
export class Journal {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  begun = (command: string) => this.#write({ begun: command });
  refused = (command: string, code: string) => this.#write({ refused: command, code });
  acknowledged = (command: string, told: Acknowledged) => this.#write({ acknowledged: command, ...told });
  close = () => closeSync(this.#file);

  #write(line: Line): void {
    writeSync(this.#file, `\n${JSON.stringify(line)}`);
  }
}

/** Command -> what is known of it. A line that the end of its writer cut short is none. */
export function readJournal(path: string): Map<string, Told> {
  const known = new Map<string, Told>();
  if (!existsSync(path)) return known;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    const line = parsed(text);
    if (!line) continue;
    if ('begun' in line) {
      if (!known.has(line.begun)) known.set(line.begun, { acknowledged: [] });
    } else if ('refused' in line) {
      (known.get(line.refused) as Told).refused = line.code;
    } else {
      const { acknowledged, ...told } = line;
      known.get(acknowledged)?.acknowledged.push(told);
    }
  }
  return known;
}

function parsed(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
