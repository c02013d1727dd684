import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Hands out human-readable numbers to the orders placed here, each once. */
@Injectable()
export class OrderNumbers {
  constructor(private readonly database: DataSource) {}

  async next(): Promise<string> {
    const [row] = await this.database.query<{ number: string }[]>(`select nextval('order_number') as number`);
    return `O-${String(row?.number).padStart(6, '0')}`;
  }
}
