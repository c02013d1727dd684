import type { Recorded } from '@throughline/contracts';
import { derivedId, type Commands, type Policy, type Pool } from '@throughline/event-sourcing';
import { deal } from '../../../services/sales/src/deal/deal.ts';
import { standardPipeline } from '../../../services/sales/src/pipeline/pipeline.ts';
import { played } from './traffic.ts';

export const followUpName = 'chaos-follow-up';
/** Events of one follow-up. Done twice, it would be some more. */
export const followUpEvents = 3;

/** Deals at which the policy fails until somebody cures them: one in sixteen, told by their ids. */
export const isPoisoned = (dealId: string): boolean => dealId.startsWith('a');

export const createCured = (pool: Pool) => pool.query('create table if not exists chaos_cured (id uuid primary key)');
export const cure = (pool: Pool, dealId: string) =>
  pool.query('insert into chaos_cured (id) values ($1) on conflict do nothing', [dealId]);

/** Opens another deal with whoever has bought something, unless it fails. */
export function followUp(commands: Commands, pool: Pool): Policy {
  const won = async ({ id, stream }: Recorded) => {
    if (isPoisoned(stream.id)) {
      const { rowCount } = await pool.query('select from chaos_cured where id = $1', [stream.id]);
      if (rowCount === 0) throw new RangeError('a bug in a policy');
    }
    const { state } = await commands.load(deal, stream.id);
    if (state.status === 'none') throw new Error('a deal was won that was never opened');
    const { customerId, details } = state;
    const opening = { type: 'OpenDeal' as const, customerId, title: 'Follow-up', value: details.value };
    const then = ['Thank them', 'Ask them'].map((title) => ({ type: 'ChangeDeal' as const, changes: { title } }));
    const play = { type: 'Play' as const, opening, then };
    await commands.execute(played(deal), derivedId(id, followUpName), play, { rules: standardPipeline });
  };
  return { name: followUpName, from: 'beginning', entry: 'policy', handlers: new Map([['DealWon', won]]) };
}
