import type { FailedTimer } from '@throughline/service';
import { asked, type Command } from './command.ts';
import { operationsAt, type List } from './instance.ts';
import { showList } from './show.ts';

const usage = 'npm run operations -- timers list | retry <id> | discard <id> --reason R';

export const run: Command = async (args) => {
  const { verb, id, json, options } = asked(args, usage, {
    list: { id: false },
    retry: { id: true },
    discard: { id: true, options: ['reason'] },
  });
  const call = operationsAt(options['url']);
  if (verb === 'list') {
    showList(await call<List<FailedTimer>>('GET', 'timers'), json, {
      id: (timer) => timer.id,
      key: (timer) => timer.key,
      due: (timer) => timer.dueAt,
      error: (timer) => timer.error,
      state: (timer) => timer.state,
      attempts: (timer) => timer.attempts,
    });
    return 0;
  }
  const path = `timers/${encodeURIComponent(id)}/${verb}`;
  const answer = await call<object>('POST', path, verb === 'discard' ? { reason: options['reason'] } : undefined);
  console.log(json ? JSON.stringify(answer) : `${id} ${verb === 'retry' ? 'is handled again' : 'is given up'}`);
  return 0;
};
