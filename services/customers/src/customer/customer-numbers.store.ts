import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Numbers } from '@throughline/service';

@Injectable()
export class CustomerNumbers extends Numbers {
  constructor(commands: Commands) {
    super(commands, { sequence: 'customer_number', prefix: 'C', category: 'customer', claim: 'number' });
  }
}
