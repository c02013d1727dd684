import { erasingServices, type ErasingService, type ErasureEvent } from '@throughline/contracts';
import type { Decider } from '@throughline/event-sourcing';

export type ErasureCommand =
  { type: 'RecordDestroyedKey'; customerId: string } | { type: 'AcknowledgeErasure'; service: ErasingService };

export type Erasure = {
  status: 'none' | 'running' | 'completed';
  customerId: string;
  acknowledged: readonly ErasingService[];
};

/** What follows from the destruction of a person's key, until every service has said that it holds nothing any more. */
export const erasure: Decider<Erasure, ErasureCommand, ErasureEvent> = {
  category: 'erasure',
  initial: { status: 'none', customerId: '', acknowledged: [] },

  decide(state, command) {
    switch (command.type) {
      case 'RecordDestroyedKey':
        return state.status === 'none' ? [{ type: 'PersonErased', customerId: command.customerId }] : [];
      case 'AcknowledgeErasure': {
        const { service } = command;
        const { customerId, acknowledged } = state;
        if (acknowledged.includes(service)) return [];
        const left = erasingServices.filter((one) => one !== service && !acknowledged.includes(one));
        return [
          { type: 'ErasureAcknowledged', service },
          ...(left.length === 0 ? [{ type: 'ErasureCompleted' as const, customerId }] : []),
        ];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'PersonErased':
        return { ...state, status: 'running', customerId: event.customerId };
      case 'ErasureAcknowledged':
        return { ...state, acknowledged: [...state.acknowledged, event.service] };
      case 'ErasureCompleted':
        return { ...state, status: 'completed' };
    }
  },

  fields: ({ status, customerId, acknowledged }) => ({
    customerId,
    status,
    acknowledged,
    waitingFor: erasingServices.filter((service) => !acknowledged.includes(service)),
  }),
};
