import { asked, type Command } from './command.ts';
import { operationsAt, type List } from './instance.ts';
import { showList } from './show.ts';

type BrokenKey = Readonly<Record<'service' | 'view' | 'key' | 'error' | 'since', string>> & { position: number };

export const run: Command = async (args) => {
  const { json, options } = asked(args, 'npm run operations -- broken-keys list', { list: { id: false } });
  showList(await operationsAt(options['url'])<List<BrokenKey>>('GET', 'broken-keys'), json, {
    view: ({ service, view }) => `${service}.${view}`,
    key: ({ key }) => key,
    position: ({ position }) => position,
    error: ({ error }) => error,
    since: ({ since }) => since,
  });
  return 0;
};
