import { isDeepStrictEqual } from 'node:util';
import { builtInLifecycle, type Lifecycle, type LifecycleEvent } from '@throughline/contracts';
import { conflict, derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';

export type LifecycleCommand = { type: 'ConfigureLifecycle' } & Lifecycle;

/** One stream holds it. */
export const lifecycleId = derivedId('lifecycle');

/** The stages of the customers' life, and the moves between them. */
export const lifecycle: Decider<Lifecycle, LifecycleCommand, LifecycleEvent> = {
  category: 'lifecycle',
  initial: builtInLifecycle,

  decide(state, { type: _, ...wanted }) {
    const errors = errorsOf(wanted);
    if (errors.length > 0) throw invalid('invalid-lifecycle', errors);
    return isDeepStrictEqual(state, wanted) ? [] : [{ type: 'LifecycleConfigured', ...wanted }];
  },

  evolve: (_, { type: __, ...configured }) => configured,
};

function errorsOf({ stages, automatic }: Lifecycle): FieldError[] {
  const errors: FieldError[] = [];
  const keys = stages.map(({ key }) => key);
  stages.forEach(({ key, label, moves }, index) => {
    const path = `stages.${index}`;
    if (keys.indexOf(key) !== index) errors.push({ path: `${path}.key`, code: 'repeated' });
    for (const language of ['zh', 'en'] as const) {
      if (!label[language].trim()) errors.push({ path: `${path}.label.${language}`, code: 'required' });
    }
    moves.forEach((to, place) => {
      if (!keys.includes(to) || to === key) errors.push({ path: `${path}.moves.${place}`, code: 'not-allowed' });
    });
  });
  const { contact, firstOrder, repeatOrders } = automatic;
  const steps = stages.filter(({ outside }) => !outside).map(({ key }) => key);
  for (const [path, key] of Object.entries({ contact, firstOrder, 'repeatOrders.stage': repeatOrders?.stage })) {
    if (key !== undefined && !steps.includes(key)) errors.push({ path: `automatic.${path}`, code: 'not-allowed' });
  }
  return errors;
}

/** @throws Refusal `invalid-customer` where there is no such stage */
export function checkStage({ stages }: Lifecycle, stage: string | null | undefined): void {
  if (stage === undefined || stage === null || stages.some(({ key }) => key === stage)) return;
  throw invalid('invalid-customer', [{ path: 'lifecycle', code: 'not-allowed' }]);
}

/**
 * From no stage, and from one that is none any more, every one is reached.
 *
 * @throws Refusal `invalid-customer` where there is no such stage, `lifecycle-move-not-allowed` with those that are allowed
 */
export function checkMove(of: Lifecycle, from: string | null | undefined, to: string | null | undefined): void {
  if (to === undefined || to === from) return;
  checkStage(of, to);
  const stage = of.stages.find(({ key }) => key === from);
  if (!stage || (to !== null && stage.moves.includes(to))) return;
  throw conflict('lifecycle-move-not-allowed', { from: stage.key, to, allowed: stage.moves });
}
