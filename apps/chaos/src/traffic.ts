import type { AnyEvent } from '@throughline/contracts';
import { derivedId, type Decider } from '@throughline/event-sourcing';
import type { CustomerCommand } from '../../../services/customers/src/customer/customer.ts';
import type { DealCommand } from '../../../services/sales/src/deal/deal.ts';
import { standardPipeline } from '../../../services/sales/src/pipeline/pipeline.ts';
import { Random } from '../../demo/src/random.ts';

/** Several commands of one decider as one, so that one append carries their events; `opening` where the stream is new. */
export type Play<Command> = { type: 'Play'; opening: Command; then: readonly Command[] };

export const played = <S, C extends { type: string }, E extends AnyEvent, R>(
  decider: Decider<S, C, E, R>,
): Decider<S, Play<C>, E, R> => ({
  ...decider,
  decide(before, { opening, then }, context) {
    const events: E[] = [];
    let state = before;
    for (const command of before === decider.initial ? [opening, ...then] : then) {
      const news = decider.decide(state, command, context);
      state = news.reduce(decider.evolve, state);
      events.push(...news);
    }
    return events;
  },
});

/** Whether a client sends a command again although it was answered, or twice at the same moment. */
export type Repeat = 'never' | 'later' | 'at once';

/** One command of a client. */
export type Step = { repeat: Repeat } & (
  | { on: 'deal'; id: string; play: Play<DealCommand> }
  | { on: 'customer'; id: string; play: Play<CustomerCommand> }
  /** One append over several deals. */
  | { on: 'deals'; ids: readonly string[]; title: string }
);

const stages = standardPipeline.stages.map(({ id }) => id);
const names = ['王小明', 'Ada Lovelace', '李娜', 'José Ñandú', 'Zoë O’Hara', '欧阳修'];
/** Deals that all writers change at about the same time. */
const sharedAtOnce = 8;
const storiesTogether = 32;

/**
 * What a writer does one after the other, the same for the same seed: a customer, two deals of theirs from the first talk to
 * the end, and in between deals that everybody changes. One in ten customers is erased in the end.
 */
export function storyOf(seed: string, writer: number, story: number): readonly Step[] {
  const random = new Random(`${seed}/${writer}/${story}`);
  const customerId = random.uuid();
  const everybodys = new Random(`${seed}/shared/${Math.floor(story / storiesTogether)}`);
  const shared = Array.from({ length: sharedAtOnce }, () => everybodys.uuid());
  const deals = [random.uuid(), random.uuid()];
  const steps = [
    customer(random, customerId, uniqueOf(writer, story)),
    ...deals.map((id) => deal(random, id, customerId, random.int(18, 30))),
    deal(random, random.pick(shared), customerId, 3),
    ...deals.map((id) => deal(random, id, customerId, random.int(14, 24))),
    {
      on: 'deals' as const,
      ids: random.shuffled(shared).slice(0, random.int(2, 4)),
      title: `Deal ${writer}-${story}`,
    },
    ...deals.map((id) => closing(random, id, customerId)),
    ...(random.chance(0.02) ? [archiving(random, customerId)] : []),
    ...(random.chance(0.1) ? [erasing(customerId)] : []),
  ];
  return steps.map((step) => ({ ...step, repeat: repeat(random) }) as Step);
}

const repeat = (random: Random): Repeat =>
  (['never', 'later', 'at once'] as const)[random.weighted([94, 3, 3])] ?? 'never';

function deal(random: Random, id: string, customerId: string, length: number) {
  const then = Array.from({ length }, (_, index): DealCommand =>
    random.chance(0.7)
      ? { type: 'MoveDeal', to: random.pick(stages) }
      : { type: 'ChangeDeal', changes: { title: `${random.pick(names)} ${index}`, value: money(random) } },
  );
  return { on: 'deal' as const, id, play: { type: 'Play' as const, opening: opened(random, customerId), then } };
}

function closing(random: Random, id: string, customerId: string) {
  const end: DealCommand[] = [[{ type: 'WinDeal' }], [{ type: 'LoseDeal', reason: random.pick(names) }], []][
    random.weighted([5, 3, 2])
  ] as DealCommand[];
  const then: DealCommand[] = [{ type: 'ChangeDeal', changes: { title: 'Last offer' } }, ...end];
  return { on: 'deal' as const, id, play: { type: 'Play' as const, opening: opened(random, customerId), then } };
}

const opened = (random: Random, customerId: string): DealCommand => ({
  type: 'OpenDeal',
  customerId,
  title: random.pick(names),
  value: money(random),
});

const money = (random: Random) => ({ amount: `${random.int(1, 9_999)}.${random.digits(2)}`, currency: 'CNY' });

function customer(random: Random, id: string, unique: string) {
  const fields = (version: number) => ({
    name: `${random.pick(names)} ${version}`,
    emails: [{ value: `c${unique}.${version}@example.com` }],
    phones: [{ value: `138${random.digits(8)}` }],
    tags: [random.pick(['vip', 'b2b', 'new'])],
  });
  const opening: CustomerCommand = { type: 'CreateCustomer', number: `K-${unique}`, fields: fields(0) };
  const then = Array.from({ length: random.int(4, 9) }, (_, version): CustomerCommand => {
    return { type: 'ChangeCustomer', changes: fields(version + 1) };
  });
  return { on: 'customer' as const, id, play: { type: 'Play' as const, opening, then } };
}

/** Who is erased by a step of a story, by what stands in their e-mail addresses. */
export function erasedBy(seed: string, writer: number, story: number, step: number): string | undefined {
  const told = storyOf(seed, writer, story)[step];
  return told?.on === 'customer' && told.play.opening.type === 'EraseCustomer' ? uniqueOf(writer, story) : undefined;
}

const uniqueOf = (writer: number, story: number) => `${writer}-${story}`;

function erasing(id: string) {
  const erase = { type: 'EraseCustomer' as const, erasureId: derivedId('erasure', id) };
  return { on: 'customer' as const, id, play: { type: 'Play' as const, opening: erase, then: [erase] } };
}

const archiving = (random: Random, id: string) => ({
  ...customer(random, id, id),
  play: {
    type: 'Play' as const,
    opening: { type: 'ArchiveCustomer' as const },
    then: [{ type: 'ArchiveCustomer' as const }],
  },
});
