import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OrderNumber1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create sequence order_number');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop sequence order_number');
  }
}
