import { classOf, fieldOf, type FieldClass, type FieldClassEvent, type FieldClasses } from '@throughline/contracts';
import { derivedId, invalid, type Decider } from '@throughline/event-sourcing';

export type FieldClassCommand = { type: 'ClassField'; field: string; class: FieldClass };

/** One stream holds them all. */
export const fieldClassesId = derivedId('field-classes');
const mostClassed = 1_000;

/** Which fields of customers are sensitive, where that differs from what comes with the product. */
export const fieldClasses: Decider<FieldClasses, FieldClassCommand, FieldClassEvent> = {
  category: 'field-classes',
  initial: {},

  decide(state, { field, class: wanted }) {
    if (!fieldOf(field)) throw invalid('invalid-field-class', [{ path: 'field', code: 'unknown-field' }]);
    if (!Object.hasOwn(state, field) && Object.keys(state).length >= mostClassed) {
      throw invalid('invalid-field-class', [{ path: 'field', code: 'too-many' }]);
    }
    return classOf(field, state) === wanted ? [] : [{ type: 'FieldClassed', field, class: wanted }];
  },

  evolve: (state, event) => ({ ...state, [event.field]: event.class }),
};
