import { Type, type TProperties } from 'typebox';
import { orNull } from './answers.ts';

const text = Type.String();
const whole = Type.Integer();
const instant = Type.String({ format: 'date-time' });
const service = Type.String({ description: 'Whose it is.' });
const id = Type.String({ description: 'As `<service>.<id>`.' });

/** What the gateway shows of all services as one. */
const list = (title: string, item: TProperties) =>
  Type.Object(
    {
      items: Type.Array(Type.Object({ ...item, service }, { title })),
      unreachable: Type.Array(Type.String({ description: 'A service that did not answer.' })),
    },
    { title: `${title}List` },
  );

const deadMessage = {
  id,
  topic: text,
  offset: whole,
  reason: text,
  at: instant,
  discardedAt: orNull(instant),
  discardedBy: orNull(text),
  discardedBecause: orNull(text),
};

const viewJob = {
  id,
  table: text,
  kind: text,
  state: Type.Union([Type.Literal('wanted'), Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  position: whole,
  target: whole,
  result: orNull(Type.Record(text, Type.Unknown())),
  requestedBy: text,
  requestedAt: instant,
  finishedAt: orNull(instant),
};

export const Settled = Type.Object({ id, state: text }, { title: 'OperationTaken' });
export const Resumed = Type.Object({ id, position: whole }, { title: 'SubscriptionResumed' });
export const ViewJobAnswer = Type.Object(viewJob, { title: 'ViewJob' });
export const DeadMessageAnswer = Type.Object(
  { ...deadMessage, message: Type.Unknown({ description: 'Key, headers, and `value` in base64.' }) },
  { title: 'DeadMessageInFull' },
);
export const DeadMessageList = list('DeadMessage', deadMessage);
export const DeadLetterList = list('DeadLetter', {
  id,
  policy: text,
  feed: text,
  position: whole,
  key: text,
  eventId: text,
  eventType: text,
  error: text,
  state: text,
  attempts: whole,
  parkedAt: instant,
  settledAt: orNull(instant),
  settledBy: orNull(text),
  reason: orNull(text),
});
export const SubscriptionList = list('Subscription', {
  id,
  subscription: text,
  feed: text,
  position: whole,
  caughtUp: Type.Boolean(),
  movedAt: instant,
  fault: orNull(Type.Object({ code: text, detail: text, since: instant, lastAt: instant })),
});
export const TimerList = list('FailedTimer', {
  id,
  timer: text,
  key: text,
  dueAt: instant,
  state: text,
  attempts: whole,
  error: text,
});
export const BrokenKeyList = list('BrokenKey', { view: text, key: text, position: whole, error: text, since: instant });
export const ViewList = list('View', {
  id,
  table: text,
  view: text,
  version: whole,
  kind: text,
  usedAt: instant,
  position: whole,
  caughtUp: Type.Boolean(),
  brokenKeys: whole,
  job: orNull(Type.Object(viewJob, { title: 'ViewJob' })),
});
