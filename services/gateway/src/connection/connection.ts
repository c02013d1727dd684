import type { ConnectionEvent, ConnectionKind } from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider, type FieldError } from '@throughline/event-sourcing';
import { checkMapping } from '../connectors/check-mapping.ts';

/** Secrets stay outside: the command only says which were given. */
export type Secured = { secret: boolean; auth: boolean; readBack: boolean };

export type ConnectionCommand =
  | {
      type: 'MakeConnection';
      name: string;
      kind: ConnectionKind;
      mapping?: unknown;
      readBackUrl?: string;
      given: Secured;
    }
  | {
      type: 'ChangeConnection';
      changes: { name?: string; mapping?: unknown; readBackUrl?: string };
      secretsChanged: boolean;
    }
  | { type: 'ArchiveConnection' };

export type Connection = {
  status: 'none' | 'active' | 'archived';
  name: string;
  kind: ConnectionKind;
  mapping: unknown;
  readBackUrl: string | undefined;
};

/** The kinds that deliveries can be taken from over HTTP now. */
export const offeredKinds = [
  'shopify',
  'woocommerce',
  'sap',
  'cloudevents',
  'json',
] as const satisfies readonly ConnectionKind[];

export const connection: Decider<Connection, ConnectionCommand, ConnectionEvent> = {
  category: 'connection',
  initial: { status: 'none', name: '', kind: 'json', mapping: undefined, readBackUrl: undefined },

  decide(state, command): ConnectionEvent[] {
    if (command.type === 'MakeConnection') {
      if (state.status !== 'none') throw conflict('connection-exists');
      const { name, kind, mapping, readBackUrl, given } = command;
      check([...missing(kind, given, mapping), ...mappingErrors(mapping)]);
      return [
        {
          type: 'ConnectionMade',
          name,
          kind,
          ...(mapping !== undefined && { mapping }),
          ...(readBackUrl !== undefined && { readBackUrl }),
        },
      ];
    }
    if (state.status === 'none') throw notFound('connection-not-found');
    switch (command.type) {
      case 'ChangeConnection': {
        const { changes, secretsChanged } = command;
        check(mappingErrors(changes.mapping));
        if (Object.keys(changes).length === 0 && !secretsChanged) return [];
        return [{ type: 'ConnectionChanged', ...changes, ...(secretsChanged && { secretsChanged }) }];
      }
      case 'ArchiveConnection':
        return state.status === 'archived' ? [] : [{ type: 'ConnectionArchived' }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ConnectionMade':
        return {
          status: 'active',
          name: event.name,
          kind: event.kind,
          mapping: event.mapping,
          readBackUrl: event.readBackUrl,
        };
      case 'ConnectionChanged':
        return {
          ...state,
          name: event.name ?? state.name,
          mapping: event.mapping ?? state.mapping,
          readBackUrl: event.readBackUrl ?? state.readBackUrl,
        };
      case 'ConnectionArchived':
        return { ...state, status: 'archived' };
    }
  },

  fields: ({ status, name, kind, mapping, readBackUrl }) => ({
    name,
    kind,
    mapping,
    readBackUrl,
    archived: status === 'archived',
  }),
};

function check(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid('invalid-connection', errors);
}

/** Whoever is not known by a secret could be anybody. */
function missing(kind: ConnectionKind, given: Secured, mapping: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const bySecret = kind === 'shopify' || kind === 'woocommerce';
  if (bySecret && !given.secret) errors.push({ path: 'secret', code: 'required' });
  if (!bySecret && !given.secret && !given.auth) errors.push({ path: 'auth', code: 'required' });
  if (kind === 'sap' && !given.readBack) errors.push({ path: 'readBack', code: 'required' });
  if (kind === 'json' && mapping === undefined) errors.push({ path: 'mapping', code: 'required' });
  return errors;
}

const mappingErrors = (mapping: unknown): FieldError[] =>
  mapping === undefined
    ? []
    : checkMapping(mapping).map(({ path, code }) => ({ path: path ? `mapping.${path}` : 'mapping', code }));
