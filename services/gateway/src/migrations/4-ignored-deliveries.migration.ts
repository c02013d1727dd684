import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IgnoredDeliveries1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table deliveries drop constraint deliveries_status_check,
        add constraint deliveries_status_check check (status in ('received', 'applied', 'ignored', 'failed'))`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`update deliveries set status = 'applied', reason = null where status = 'ignored'`);
    await runner.query(`
      alter table deliveries drop constraint deliveries_status_check,
        add constraint deliveries_status_check check (status in ('received', 'applied', 'failed'))`);
  }
}
