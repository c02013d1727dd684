import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Numbers } from '@throughline/service';

@Injectable()
export class OrderNumbers extends Numbers {
  constructor(commands: Commands) {
    super(commands, { sequence: 'order_number', prefix: 'O', category: 'order', claim: 'order-number' });
  }
}
