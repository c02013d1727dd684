import { Injectable } from '@nestjs/common';
import type { FieldOption, FieldType, Translated } from '@throughline/contracts';
import { Kernel } from '@throughline/service';
import { customField } from '../star/custom-field.view.ts';

/** A field that the installation gave its customers. */
export type OwnField = {
  key: string;
  type: FieldType;
  label: Translated;
  options: readonly FieldOption[];
  retired: boolean;
};

@Injectable()
export class OwnFields {
  constructor(private readonly kernel: Kernel) {}

  /** Those that are filled in, by key. */
  async inUse(): Promise<readonly OwnField[]> {
    return (await this.all()).filter(({ retired }) => !retired);
  }

  /** Also those that only older records still have. */
  async all(): Promise<readonly OwnField[]> {
    const { rows } = await this.kernel.pool.query<OwnField>(
      `select key, type, options, retired, json_strip_nulls(json_build_object('en', label_en, 'zh', label_zh)) as label
       from "${customField.table}" where object = 'customer' order by key`,
    );
    return rows;
  }
}
