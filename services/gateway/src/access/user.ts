import { known, type PeopleEvent } from '@throughline/contracts';
import { conflict, type Decider } from '@throughline/event-sourcing';

export const roles = ['administrator', 'member', 'reader', 'exporter', 'integration'] as const;
export type Role = (typeof roles)[number];

type UserEvent = Extract<PeopleEvent, { type: 'UserAdded' }>;
export type UserCommand = { type: 'AddUser'; email: string; name: string; roles: readonly Role[] };
type User = {
  status: 'none' | 'active';
  email: string | undefined;
  name: string | undefined;
  roles: readonly string[];
};

export const user: Decider<User, UserCommand, UserEvent> = {
  category: 'user',
  initial: { status: 'none', email: undefined, name: undefined, roles: [] },

  decide(state, { email, name, roles: given }) {
    if (state.status !== 'none') throw conflict('user-exists');
    return [{ type: 'UserAdded', email: email.trim().toLowerCase(), name, roles: [...given] }];
  },

  evolve: (_, event) => ({ status: 'active', email: known(event.email), name: known(event.name), roles: event.roles }),
  claims: ({ email }) => (email ? [`login:${email}`] : []),
  fields: ({ email, name, roles: given }) => ({ email, name, roles: given }),
};
