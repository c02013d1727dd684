import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CustomerNumber1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create sequence customer_number');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop sequence customer_number');
  }
}
