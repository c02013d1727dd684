import type { PeopleEvent } from '@throughline/contracts';
import { conflict, notFound, type Decider } from '@throughline/event-sourcing';
import type { Role } from './user.ts';

type ApiKeyEvent = Extract<PeopleEvent, { type: 'ApiKeyIssued' | 'ApiKeyRevoked' }>;
export type ApiKeyCommand = { type: 'IssueApiKey'; name: string; roles: readonly Role[] } | { type: 'RevokeApiKey' };
type ApiKey = { status: 'none' | 'active' | 'revoked'; name: string; roles: readonly string[] };

export const apiKey: Decider<ApiKey, ApiKeyCommand, ApiKeyEvent> = {
  category: 'api-key',
  initial: { status: 'none', name: '', roles: [] },

  decide(state, command) {
    switch (command.type) {
      case 'IssueApiKey':
        if (state.status !== 'none') throw conflict('api-key-exists');
        return [{ type: 'ApiKeyIssued', name: command.name, roles: [...command.roles] }];
      case 'RevokeApiKey':
        if (state.status === 'none') throw notFound('api-key-not-found');
        return state.status === 'revoked' ? [] : [{ type: 'ApiKeyRevoked' }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ApiKeyIssued':
        return { status: 'active', name: event.name, roles: event.roles };
      case 'ApiKeyRevoked':
        return { ...state, status: 'revoked' };
    }
  },

  fields: ({ status, name, roles }) => ({ name, roles, revoked: status === 'revoked' }),
};
