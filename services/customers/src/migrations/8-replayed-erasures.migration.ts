import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Up to which of the keyring's destructions a store knows their erasures; a restored store is of another generation. */
export class ReplayedErasures1700000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table replayed_erasures (
        generation uuid primary key,
        up_to bigint not null
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table replayed_erasures');
  }
}
