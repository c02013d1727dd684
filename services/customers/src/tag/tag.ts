import type { TagEvent } from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider } from '@throughline/event-sourcing';
import { cleanText } from '@throughline/language';

export type TagLook = { colour?: string | null; description?: string | null };
export type TagCommand =
  | ({ type: 'CreateTag'; name: string } & TagLook)
  | { type: 'ChangeTag'; changes: { name?: string } & TagLook }
  | { type: 'ArchiveTag' }
  | { type: 'RestoreTag' };

export type Tag = {
  status: 'none' | 'active' | 'archived' | 'merged';
  name: string;
  formerNames: readonly string[];
  /** The names as they were recorded: before names were cleaned, they were so as they came. */
  recorded: readonly string[];
  look: TagLook;
  /** What it was merged into. */
  into?: string;
};

export const tag: Decider<Tag, TagCommand, TagEvent> = {
  category: 'tag',
  initial: { status: 'none', name: '', formerNames: [], recorded: [], look: {} },

  decide(state, command) {
    if (command.type === 'CreateTag') {
      if (state.status !== 'none') throw conflict('tag-exists');
      const { type: _, name, ...look } = command;
      return [{ type: 'TagCreated', name: tidyName(name), ...look }];
    }
    checkThere(state);

    switch (command.type) {
      case 'ChangeTag': {
        const { name = state.name, ...look } = command.changes;
        const to = tidyName(name);
        const changed = Object.entries(look).filter(
          ([part, value]) => (value ?? null) !== (state.look[part as keyof TagLook] ?? null),
        );
        return [
          ...(to === state.name ? [] : [{ type: 'TagRenamed', from: state.name, to } as const]),
          ...(changed.length > 0 ? [{ type: 'TagDescribed', ...Object.fromEntries(changed) } as const] : []),
        ];
      }
      case 'ArchiveTag':
        return state.status === 'archived' ? [] : [{ type: 'TagArchived' }];
      case 'RestoreTag':
        return state.status === 'active' ? [] : [{ type: 'TagRestored' }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'TagCreated': {
        const { type: _, name, ...look } = event;
        return { ...withName(state, name), status: 'active', look };
      }
      case 'TagRenamed':
        return withName(state, event.to);
      case 'TagDescribed': {
        const { type: _, ...look } = event;
        return { ...state, look: { ...state.look, ...look } };
      }
      case 'TagsMerged':
        return state;
      case 'TagAbsorbed':
        return { ...state, status: 'merged', into: event.into };
      case 'TagArchived':
        return { ...state, status: 'archived' };
      case 'TagRestored':
        return { ...state, status: 'active' };
    }
  },

  /** A name that customers may still hold means nobody else's tag. */
  claims: ({ recorded }) => recorded.map((name) => `tag-name:${name}`),

  fields: ({ status, name, formerNames, look, into }) => ({
    name,
    colour: look.colour ?? null,
    description: look.description ?? null,
    formerNames,
    archived: status === 'archived',
    ...(into !== undefined && { into }),
  }),
};

/**
 * Merges tags into the first one.
 *
 * @returns the new events of each
 * @throws Refusal `tag-not-found`, `tag-merged`
 */
export function mergeTags(ids: readonly [string, ...string[]], states: readonly Tag[]): TagEvent[][] {
  const [into, ...absorbed] = ids;
  for (const state of states) checkThere(state);
  if (absorbed.length === 0) return ids.map(() => []);
  return [[{ type: 'TagsMerged', absorbed }], ...absorbed.map((): TagEvent[] => [{ type: 'TagAbsorbed', into }])];
}

function checkThere({ status, into }: Tag): void {
  if (status === 'none') throw notFound('tag-not-found');
  if (status === 'merged') throw conflict('tag-merged', { into });
}

/** The name as customers hold it. */
function tidyName(given: string): string {
  const { value: name } = cleanText(given);
  if (name === '') throw invalid('invalid-tag', [{ path: 'name', code: 'required' }]);
  return name;
}

/** One that was recorded in another form means the tag as well. */
function withName(state: Tag, given: string): Tag {
  const name = cleanText(given).value || given;
  const before = state.recorded.length === 0 ? [] : [...state.formerNames, state.name];
  const formerNames = new Set([...before, given].filter((one) => one !== name));
  return { ...state, name, formerNames: [...formerNames], recorded: [...new Set([...state.recorded, given])] };
}
