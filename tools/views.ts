// `npm run views -- list|verify|rebuild|mend …`: the views of a running Throughline.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ViewJob, ViewJobResult, ViewStatus } from '@throughline/event-sourcing';
import { asked, endWith, Failure } from './operations/command.ts';
import { operationsAt, type Call, type List } from './operations/instance.ts';
import { progressOf } from './operations/progress.ts';
import { showList } from './operations/show.ts';

const usage = 'npm run views -- list | verify <view> | rebuild <view> | mend <view>';
const askMilliseconds = 500;

type View = Omit<ViewStatus, 'job'> & { id: string; service: string; job: Job | null };
type Job = Omit<ViewJob, 'id'> & { id: string };

await endWith(async () => {
  const { verb, id, json, options } = asked(process.argv.slice(2), usage, {
    list: { id: false },
    verify: { id: true },
    rebuild: { id: true },
    mend: { id: true },
  });
  const call = operationsAt(options['url']);
  const views = await call<List<View>>('GET', 'views');
  if (verb === 'list') {
    showList(views, json, {
      id: (view) => view.id,
      version: (view) => view.version,
      kind: (view) => view.kind,
      position: (view) => (view.kind === 'fold' ? view.position : ''),
      'caught up': (view) => (view.caughtUp ? 'yes' : 'no'),
      'broken keys': (view) => view.brokenKeys,
      used: (view) => view.usedAt,
      'last job': ({ job }) => job && `${job.kind} ${job.state}`,
    });
    return 0;
  }
  const name = nameOf(id, views);
  const job = await finished(call, await call<Job>('POST', `views/${encodeURIComponent(name)}/${verb}`));
  const result = job.result && 'hash' in job.result ? job.result : undefined;
  if (json) console.log(JSON.stringify(job));
  else if (result) console.log(told(job, result).join('\n'));
  else console.error(`${job.table}: the ${verb} failed: ${(job.result as { error?: string } | null)?.error ?? ''}`);
  const isGood = result && result.broken === 0 && !(verb === 'verify' && result.different > 0);
  return isGood ? 0 : 1;
});

/** `sales.pipeline_board` of what may be the view's name alone, or its table's. */
function nameOf(asking: string, { items, unreachable }: List<View>): string {
  const found = items.filter(({ id, service, view, table }) =>
    [id, `${service}.${view}`, view, table].includes(asking),
  );
  const names = [...new Set(found.map(({ service, view }) => `${service}.${view}`))];
  if (names.length > 1) throw new Failure(`${asking} is a view of several services: say ${names.join(' or ')}`);
  const away = unreachable.length > 0 ? `; not asked, because they do not answer: ${unreachable.join(', ')}` : '';
  const [only] = found;
  if (!only) throw new Failure(`there is no view ${asking}${away}`);
  return `${only.service}.${asking.endsWith(only.table) ? only.table : only.view}`;
}

async function finished(call: Call, asking: Job): Promise<Job> {
  const progress = progressOf(`${asking.kind} ${asking.table}`);
  for (;;) {
    const job = await call<Job>('GET', `view-jobs/${asking.id}`);
    if (job.finishedAt !== null) {
      progress.end();
      return job;
    }
    progress.at(job.position, job.target);
    await sleep(askMilliseconds);
  }
}

function told({ kind, table }: Job, { rows, different, broken, hash, rebuiltHash, position }: ViewJobResult): string[] {
  const differed = kind === 'verify' ? `${different} differ` : `${different} differed and were written`;
  return [
    `${table}: ${rows} rows, ${differed}${position > 0 ? `, as of position ${position}` : ''}`,
    ...(broken > 0 ? [`keys that are broken: ${broken}; npm run operations -- broken-keys list says which`] : []),
    ...(kind === 'mend' ? [] : [`was    ${hash}`, `anew   ${rebuiltHash || 'otherwise'}`]),
  ];
}
