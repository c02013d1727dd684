import { describe, it } from '@jest/globals';
import type { InteractionEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { interaction, type InteractionCommand } from './interaction.ts';

const customerId = '0190a1b2-0000-7000-8000-000000000001';
const now = '2026-01-15T08:00:00.000Z';
const call: InteractionCommand = { type: 'LogInteraction', customerId, kind: 'call' };
const logged: InteractionEvent = {
  type: 'InteractionLogged',
  customerId,
  kind: 'call',
  startedAt: now,
  content: '报价',
};
const given = scenario(interaction, { now });

describe('an interaction', () => {
  it('starts now unless it is said when', () => {
    given().when(call).then({ type: 'InteractionLogged', customerId, kind: 'call', startedAt: now });
  });
  it('keeps its time in UTC, whatever zone it was given in', () => {
    given()
      .when({ ...call, startedAt: '2026-01-15T09:30:00+08:00' })
      .then({ type: 'InteractionLogged', customerId, kind: 'call', startedAt: '2026-01-15T01:30:00.000Z' });
  });
  it('cannot start in the future, nor end before it starts', () => {
    given()
      .when({ ...call, startedAt: '2026-01-15T08:00:00.001Z' })
      .thenRefused('invalid-interaction');
    given()
      .when({ ...call, endedAt: '2026-01-15T07:59:00Z' })
      .thenRefused('invalid-interaction');
  });
  it('is logged once', () => {
    given(logged).when(call).thenRefused('interaction-exists');
  });
  it('changes what is named and differs', () => {
    given(logged)
      .when({ type: 'ChangeInteraction', changes: { content: '报价', outcome: '同意' } })
      .then({ type: 'InteractionDetailsChanged', customerId, outcome: '同意' });
    given(logged)
      .when({ type: 'ChangeInteraction', changes: { content: '报价' } })
      .thenNothing();
  });
  it('has its follow-up fall due once for each instant that it is planned for', () => {
    const followUp = (dueAt: string) => ({ plan: '寄样品', dueAt });
    const planned: InteractionEvent = { ...logged, followUp: followUp('2026-01-20T09:00:00+08:00') };
    const dueAt = '2026-01-20T01:00:00.000Z';
    const due: InteractionCommand = { type: 'RecordFollowUpDue', dueAt };
    const fell: InteractionEvent = { type: 'FollowUpDue', customerId, dueAt };
    given(planned).when(due).then(fell);
    given(planned, fell).when(due).thenNothing();
    given(logged).when(due).thenNothing();
    const later = '2026-01-21T01:00:00.000Z';
    const moved: InteractionEvent = { type: 'InteractionDetailsChanged', customerId, followUp: followUp(later) };
    given(planned, moved).when(due).thenNothing();
    given(planned, fell, moved)
      .when({ ...due, dueAt: later })
      .then({ ...fell, dueAt: later });
    given(planned, { type: 'InteractionArchived', customerId }).when(due).thenNothing();
  });
  it('can be archived, once, and then not changed', () => {
    const archived: InteractionEvent = { type: 'InteractionArchived', customerId };
    given(logged).when({ type: 'ArchiveInteraction' }).then(archived);
    given(logged, archived).when({ type: 'ArchiveInteraction' }).thenNothing();
    given(logged, archived)
      .when({ type: 'ChangeInteraction', changes: { outcome: '晚' } })
      .thenRefused('interaction-archived');
  });
});
