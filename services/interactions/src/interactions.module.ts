import { Service } from '@throughline/service';
import { InteractionController } from './interaction/interaction.controller.ts';

@Service({ name: 'interactions', controllers: [InteractionController] })
export class InteractionsModule {}
