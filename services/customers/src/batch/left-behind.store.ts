import { Injectable } from '@nestjs/common';
import { known, type CustomerEvent, type CustomerFields, type RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { undoOf, type Undone } from '../customer/customer-undo.ts';
import { customer } from '../customer/customer.ts';
import { linkFields } from '../links/customer-links.view.ts';
import { RecordUses, type Loaded } from './record-uses.store.ts';
import type { TellingOf } from './undoing.ts';

type Happened = RecordedOf<CustomerEvent>;
type Left = ReadonlyMap<string, Loaded & { version: number }>;

/** Records that stayed when what made them was taken back, since somebody used them, and those that went and are named again. */
@Injectable()
export class LeftBehind {
  constructor(
    private readonly commands: Commands,
    private readonly uses: RecordUses,
  ) {}

  /**
   * Of those that these records name, or were told to by what is undone, and that those name: who is used by nobody any more, and who
   * comes back, since it is named again.
   */
  async by(records: ReadonlyMap<string, Loaded>, telling: TellingOf): Promise<Left> {
    let left: Left = new Map();
    for (let naming = records; naming.size > 0;) {
      const named = [...naming.values()].flatMap((one) => namedBy(one, telling));
      const again = new Set([...naming.values()].flatMap((one) => namedAgainBy(one, telling)));
      const asked = [...new Set([...named, ...again])].filter((id) => !records.has(id) && !left.has(id));
      const loaded = await this.commands.loadMany(customer, asked);
      const moving = new Map(
        [...loaded].filter(([id, one]) => {
          const move = moveOf(one, telling);
          return move === 'archive' || (move === 'restore' && again.has(id));
        }),
      );
      const used = await this.uses.among(moving, telling);
      const moved = [...moving].filter(([id]) => !used.has(id));
      left = new Map([...left, ...moved]);
      naming = new Map(moved);
    }
    return left;
  }
}

const linksIn = (fields: CustomerFields): string[] => linkFields.flatMap((field) => known(fields[field]) ?? []);

function namedBy({ state, events }: Loaded, telling: TellingOf): string[] {
  const { isUndone } = telling(state);
  const said = (events as Happened[]).filter(isUndone).map(({ data }) => data as CustomerFields);
  return [state.details, ...said].flatMap(linksIn);
}

function namedAgainBy({ state, events }: Loaded, telling: TellingOf): string[] {
  const { fields, record } = undoOf(state, events as Happened[], telling(state));
  return linksIn(record === 'restore' ? { ...state.details, ...fields } : fields);
}

/** Whether it goes or comes back, and not because of what is undone of it itself. */
function moveOf({ state, events }: Loaded, telling: TellingOf): Undone['record'] {
  const happened = events as Happened[];
  const told = telling(state);
  const { record } = undoOf(state, happened, told);
  const isMoving = state.status === (record === 'restore' ? 'archived' : 'active');
  return isMoving && !happened.some((event) => told.isUndone(event) || told.isAgain(event)) ? record : null;
}
