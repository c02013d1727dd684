import { asked, type Command } from './command.ts';
import { operationsAt, type Call, type List } from './instance.ts';
import { showList } from './show.ts';

type Letter = Readonly<
  Record<'id' | 'service' | 'policy' | 'feed' | 'key' | 'eventType' | 'error' | 'state' | 'parkedAt', string>
> & { position: number; attempts: number };

const usage =
  'npm run operations -- dead-letters list [--state open|parked|retrying|handled|discarded] | retry <id> | discard <id> --reason R';

export const run: Command = async (args) => {
  const { verb, id, json, options } = asked(args, usage, {
    list: { id: false, options: ['state'] },
    retry: { id: true },
    discard: { id: true, options: ['reason'] },
  });
  const call = operationsAt(options['url']);
  if (verb === 'list') {
    showList(await lettersOf(call, options['state'] ?? 'open'), json, {
      id: (letter) => letter.id,
      policy: (letter) => letter.policy,
      event: (letter) => `${letter.feed}@${letter.position} ${letter.eventType}`,
      key: (letter) => letter.key,
      error: (letter) => letter.error,
      state: (letter) => letter.state,
      attempts: (letter) => letter.attempts,
      since: (letter) => letter.parkedAt,
    });
    return 0;
  }
  const path = `dead-letters/${encodeURIComponent(id)}/${verb}`;
  const answer = await call<object>('POST', path, verb === 'discard' ? { reason: options['reason'] } : undefined);
  const told = verb === 'retry' ? 'is handled again, with those behind it' : 'is given up; those behind it are handled';
  console.log(json ? JSON.stringify(answer) : `${id} ${told}`);
  return 0;
};

/** Every letter: a service that has more than a page is asked on. */
async function lettersOf(call: Call, state: string): Promise<List<Letter>> {
  const items: Letter[] = [];
  const unreachable = new Set<string>();
  const pages = [''];
  for (const after of pages) {
    const query = new URLSearchParams({ state, ...(after && { after }) }).toString();
    const page = await call<List<Letter>>('GET', `dead-letters?${query}`);
    items.push(...page.items);
    for (const service of page.unreachable) unreachable.add(service);
    const lastOfEach = new Map(page.items.map((letter) => [letter.service, letter.id]));
    // Whoever has no more answers with an empty page.
    if (page.items.length > 0) pages.push(...lastOfEach.values());
  }
  return { items, unreachable: [...unreachable] };
}
