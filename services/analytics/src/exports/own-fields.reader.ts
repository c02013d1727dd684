import { Injectable } from '@nestjs/common';
import type { FieldType, Translated } from '@throughline/contracts';
import { Kernel } from '@throughline/service';
import { customField } from '../star/custom-field.view.ts';

/** A field that the installation gave its customers. */
export type OwnField = { key: string; type: FieldType; label: Translated };

@Injectable()
export class OwnFields {
  constructor(private readonly kernel: Kernel) {}

  /** Those that are filled in, by key. */
  async inUse(): Promise<readonly OwnField[]> {
    const { rows } = await this.kernel.pool.query<OwnField>(
      `select key, type, json_strip_nulls(json_build_object('en', label_en, 'zh', label_zh)) as label
       from "${customField.table}" where object = 'customer' and not retired order by key`,
    );
    return rows;
  }
}
