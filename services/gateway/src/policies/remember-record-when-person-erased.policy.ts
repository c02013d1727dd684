import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { ErasureEvent, RecordedOf } from '@throughline/contracts';
import type { PolicyPattern } from '@throughline/service';
import { ErasedRecords } from '../erasure/erased-records.store.ts';

type PersonErased = RecordedOf<Extract<ErasureEvent, { type: 'PersonErased' }>>;

export const react = ({ data, recordedAt }: Pick<PersonErased, 'data' | 'recordedAt'>) => ({
  id: data.customerId,
  at: recordedAt,
});

const on: PolicyPattern = {
  policy: 'remember-record-when-person-erased',
  event: 'PersonErased',
  from: 'beginning',
};

@Controller()
export class RememberRecordWhenPersonErased {
  constructor(private readonly records: ErasedRecords) {}

  @EventPattern(on)
  async erased(@Payload() event: PersonErased) {
    const { id, at } = react(event);
    await this.records.remember(id, at);
  }
}
