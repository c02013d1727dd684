import type { SubscriptionStatus } from '@throughline/event-sourcing';
import { asked, Failure, type Command } from './command.ts';
import { operationsAt, type List } from './instance.ts';
import { showList } from './show.ts';

const usage = 'npm run operations -- subscriptions list | resume <id> --from beginning|now';

export const run: Command = async (args) => {
  const { verb, id, json, options } = asked(args, usage, {
    list: { id: false },
    resume: { id: true, options: ['from'] },
  });
  const { from, url } = options;
  if (verb === 'resume' && from !== 'beginning' && from !== 'now') {
    throw new Failure(`resume needs --from beginning or --from now; usage: ${usage}`);
  }
  const call = operationsAt(url);
  if (verb === 'list') {
    showList(await call<List<SubscriptionStatus & { id: string }>>('GET', 'subscriptions'), json, {
      id: (one) => one.id,
      position: (one) => one.position,
      moved: (one) => one.movedAt,
      fault: (one) => one.fault && `${one.fault.code} since ${one.fault.since}: ${one.fault.detail}`,
    });
    return 0;
  }
  const answer = await call<{ position: number }>('POST', `subscriptions/${encodeURIComponent(id)}/resume`, { from });
  console.log(json ? JSON.stringify(answer) : `${id} goes on after position ${answer.position}`);
  return 0;
};
