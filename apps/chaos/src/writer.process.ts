// A client of the services' stores: carries out its stories through `Commands`, and keeps in a journal what it was told.
// Killed and started again, it asks again for whatever it got no answer to, by the same command ids.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal, announce, isTransient, newId, runInContext } from '@throughline/event-sourcing';
import { Kernel, Log, readConfig } from '@throughline/service';
import { customer } from '../../../services/customers/src/customer/customer.ts';
import { builtInRules } from '../../../services/customers/src/customer/customer-rules.ts';
import { deal } from '../../../services/sales/src/deal/deal.ts';
import { standardPipeline } from '../../../services/sales/src/pipeline/pipeline.ts';
import { Journal, readJournal, type Acknowledged } from './journal.ts';
import { writerFromEnvironment } from './settings.ts';
import { played, storyOf, type Step } from './traffic.ts';

const lanes = 16;
const { seed, writer, events, until, journalFile } = writerFromEnvironment();
const config = readConfig();
const open = (name: 'sales' | 'customers') => Kernel.open({ name }, config, new Log(name, 'error'));
const [sales, customers] = await Promise.all([open('sales'), open('customers')]);
announce(sales.store);
announce(customers.store);

const told = readJournal(journalFile);
const journal = new Journal(journalFile);
const countOf = ({ events: count, streams }: Acknowledged) => count ?? streams.length;
let acknowledged = [...told.values()].reduce((sum, { acknowledged: [first] }) => sum + (first ? countOf(first) : 0), 0);
const enough = () => acknowledged >= events || Date.now() >= until;

const idOf = (story: number, step: number) => `${writer}-${story}-${step}`;
const isSettled = (id: string) => {
  const known = told.get(id);
  return known !== undefined && (known.refused !== undefined || known.acknowledged.length > 0);
};
const begun = new Set([...told.keys()].map((id) => Number(id.split('-')[1])));
let nextStory = Math.max(-1, ...begun) + 1;

async function carryOut(step: Step): Promise<Acknowledged> {
  switch (step.on) {
    case 'deal': {
      const done = await sales.commands.execute(played(deal), step.id, step.play, { rules: standardPipeline });
      return acknowledgement('deal', done);
    }
    case 'customer': {
      const done = await customers.commands.execute(played(customer), step.id, step.play, { rules: builtInRules });
      return acknowledgement('customer', done);
    }
    case 'deals': {
      const change = { type: 'ChangeDeal' as const, changes: { title: step.title } };
      const context = { now: new Date().toISOString(), entry: 'api' as const, rules: standardPipeline };
      const done = await sales.commands.executeAcross(deal, step.ids, { type: 'ChangeDeals' }, (states) =>
        states.map((state) => (state.status === 'open' ? deal.decide(state, change, context) : [])),
      );
      return { position: done.position, streams: done.streams };
    }
  }
}

const acknowledgement = (
  type: string,
  { id, version, position, events: made }: { id: string; version: number; position: number; events: readonly object[] },
): Acknowledged => ({ position, events: made.length, streams: made.length > 0 ? [{ type, id, version }] : [] });

/** Asks until there is an answer, as a client does that sees its connection go. */
async function ask(id: string, step: Step): Promise<void> {
  const actor = { type: 'api-key' as const, id: `writer-${writer}` };
  for (;;) {
    const context = { actor, entry: 'api' as const, source: 'chaos', correlationId: newId(), commandId: id };
    try {
      const answer = await runInContext(context, () => carryOut(step));
      journal.acknowledged(id, answer);
      if (!told.get(id)?.acknowledged.length) acknowledged += countOf(answer);
      told.set(id, { acknowledged: [answer] });
      return;
    } catch (error) {
      const refused = error instanceof Refusal && error.code !== 'too-busy';
      if (refused) return journal.refused(id, error.code);
      if (!isTransient(error)) throw error;
      await sleep(50 + Math.random() * 200);
    }
  }
}

async function tell(story: number): Promise<void> {
  for (const [index, step] of storyOf(seed, writer, story).entries()) {
    const id = idOf(story, index);
    if (isSettled(id)) continue;
    if (enough() && !told.has(id)) return;
    journal.begun(id);
    await Promise.all(step.repeat === 'at once' ? [ask(id, step), ask(id, step)] : [ask(id, step)]);
    if (step.repeat === 'later') await ask(id, step);
  }
}

const earlier = [...begun].values();
const lane = async () => {
  for (const story of earlier) await tell(story);
  while (!enough()) await tell(nextStory++);
};
const saying = setInterval(() => process.stdout.write(`acknowledged ${acknowledged}\n`), 500);
await Promise.all(Array.from({ length: lanes }, lane));
clearInterval(saying);
process.stdout.write(`acknowledged ${acknowledged}\n`);
journal.close();
process.exit(0);
