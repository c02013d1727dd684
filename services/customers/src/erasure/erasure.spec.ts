import { describe, it } from '@jest/globals';
import { erasingServices, type ErasingService, type ErasureEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { erasure } from './erasure.ts';

const given = scenario(erasure);
const customerId = '00000000-0000-7000-8000-00000000000c';
const erased: ErasureEvent = { type: 'PersonErased', customerId };
const acknowledged = (service: ErasingService): ErasureEvent => ({ type: 'ErasureAcknowledged', service });
const [last, ...others] = erasingServices;

describe('an erasure', () => {
  it('begins when the key is destroyed', () => {
    given().when({ type: 'RecordDestroyedKey', customerId }).then(erased);
  });
  it('begins once', () => {
    given(erased).when({ type: 'RecordDestroyedKey', customerId }).thenNothing();
  });
  it('takes the word of each service', () => {
    given(erased).when({ type: 'AcknowledgeErasure', service: 'sales' }).then(acknowledged('sales'));
  });
  it('takes it once', () => {
    given(erased, acknowledged('sales')).when({ type: 'AcknowledgeErasure', service: 'sales' }).thenNothing();
  });
  it('is complete with the last one', () => {
    given(erased, ...others.map(acknowledged))
      .when({ type: 'AcknowledgeErasure', service: last })
      .then(acknowledged(last), { type: 'ErasureCompleted', customerId });
  });
});
