import { Type } from 'typebox';
import { Personal, event, known, type EventOf } from '@throughline/contracts';
import { conflict, invalid, type Decider } from '../src/index.ts';

/** A small aggregate that uses everything the kernel offers, for the kernel's own tests. */
export const accountEvents = {
  AccountOpened: event('account', { holder: Personal(Type.String()), handle: Type.Optional(Personal(Type.String())) }),
  AccountChanged: event('account', {
    holder: Type.Optional(Personal(Type.String())),
    colour: Type.Optional(Type.String()),
  }),
  MoneyMoved: event('account', { amount: Type.Integer(), note: Type.Optional(Personal(Type.String())) }),
  AccountClosed: event('account', {}),
  AccountAbsorbed: event('account', { into: Type.String() }),
};
export type AccountEvent = EventOf<typeof accountEvents>;

export type AccountCommand =
  | { type: 'OpenAccount'; holder: string; handle?: string }
  | { type: 'ChangeAccount'; changes: { holder?: string; colour?: string } }
  | { type: 'MoveMoney'; amount: number; note?: string }
  | { type: 'CloseAccount' };

export type Account = {
  open: boolean;
  absorbed: boolean;
  balance: number;
  holder?: string | undefined;
  colour?: string | undefined;
  handle?: string | undefined;
};

export const account: Decider<Account, AccountCommand, AccountEvent> = {
  category: 'account',
  initial: { open: false, absorbed: false, balance: 0 },
  decide(state, command) {
    if (command.type === 'OpenAccount') {
      if (state.open) throw conflict('account-exists');
      const { holder, handle } = command;
      return [{ type: 'AccountOpened', holder, ...(handle !== undefined && { handle }) }];
    }
    if (!state.open) throw conflict('account-closed');
    switch (command.type) {
      case 'ChangeAccount':
        return [{ type: 'AccountChanged', ...command.changes }];
      case 'MoveMoney': {
        const { amount, note } = command;
        if (state.balance + amount < 0) throw invalid('overdrawn', [{ path: 'amount', code: 'too-large' }]);
        return amount === 0 ? [] : [{ type: 'MoneyMoved', amount, ...(note !== undefined && { note }) }];
      }
      case 'CloseAccount':
        return [{ type: 'AccountClosed' }];
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'AccountOpened':
        return { ...state, open: true, holder: known(event.holder), handle: known(event.handle) };
      case 'AccountChanged':
        return { ...state, holder: known(event.holder) ?? state.holder, colour: event.colour ?? state.colour };
      case 'MoneyMoved':
        return { ...state, balance: state.balance + event.amount };
      case 'AccountClosed':
        return { ...state, open: false, handle: undefined };
      case 'AccountAbsorbed':
        return { ...state, open: false, absorbed: true, handle: undefined };
    }
  },
  claims: (state) => (state.handle ? [`handle:${state.handle}`] : []),
  fields: ({ holder, colour }) => ({ holder, colour }),
};

export const person = {
  actor: { type: 'user' as const, id: 'u1' },
  entry: 'person' as const,
  source: 'test',
  correlationId: 'c1',
};
