import { Injectable } from '@nestjs/common';
import { known, type CustomerEvent, type CustomerFields, type RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { undoOf } from '../customer/customer-undo.ts';
import { customer } from '../customer/customer.ts';
import { linkFields } from '../links/customer-links.view.ts';
import { RecordUses, type Loaded } from './record-uses.store.ts';
import type { TellingOf } from './undoing.ts';

type Happened = RecordedOf<CustomerEvent>;
type Left = ReadonlyMap<string, Loaded & { version: number }>;

/** Records that stayed when what made them was taken back, since somebody used them. */
@Injectable()
export class LeftBehind {
  constructor(
    private readonly commands: Commands,
    private readonly uses: RecordUses,
  ) {}

  /** Of those that these records name, or were told to by what is undone, and that those name: who is used by nobody any more. */
  async by(records: ReadonlyMap<string, Loaded>, telling: TellingOf): Promise<Left> {
    let left: Left = new Map();
    for (let naming = records; naming.size > 0;) {
      const named = new Set([...naming.values()].flatMap((one) => namedBy(one, telling)));
      const loaded = await this.commands.loadMany(
        customer,
        [...named].filter((id) => !records.has(id) && !left.has(id)),
      );
      const going = new Map([...loaded].filter(([, one]) => isLeft(one, telling)));
      const used = await this.uses.among(going, telling);
      const gone = [...going].filter(([id]) => !used.has(id));
      left = new Map([...left, ...gone]);
      naming = new Map(gone);
    }
    return left;
  }
}

function namedBy({ state, events }: Loaded, telling: TellingOf): string[] {
  const { isUndone } = telling(state);
  const said = (events as Happened[]).filter(isUndone).map(({ data }) => data as CustomerFields);
  return [state.details, ...said].flatMap((one) => linkFields.flatMap((field) => known(one[field]) ?? []));
}

/** Whether it would go, and not because of what is undone of it itself. */
function isLeft({ state, events }: Loaded, telling: TellingOf): boolean {
  const happened = events as Happened[];
  const told = telling(state);
  return state.status === 'active' && !happened.some(told.isUndone) && undoOf(happened, told).record === 'archive';
}
