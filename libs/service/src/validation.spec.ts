import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { IsArray, IsEmail, IsObject, IsOptional, IsString, ValidateNested } from 'class-validator';
import { IsClearable, shapeCheck, shapeErrorsOf } from './validation.ts';

class Entry {
  @IsString() value!: string;
  @IsOptional() @IsString() label?: string;
}
class Body {
  @IsOptional() @IsString() kind?: string;
  @IsClearable() @IsString() title?: string | null;
  @IsOptional() @IsEmail() email?: string;
  @IsClearable() @IsArray() @ValidateNested({ each: true }) @Type(() => Entry) entries?: Entry[] | null;
  @IsOptional() @IsObject() custom?: Record<string, unknown>;
}
class Extended extends Body {
  @IsOptional() @IsString() id?: string;
}

const check = shapeCheck();
const errorsOf = (body: object, metatype: new () => object = Body) =>
  check.transform(body, { type: 'body', metatype }).then(
    () => [],
    ({ errors }) => errors.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`),
  );

describe('a body', () => {
  it('says null only where null clears', async () => {
    expect(await errorsOf({ kind: null })).toEqual(['kind wrong-type']);
    expect(await errorsOf({ id: null, email: null }, Extended)).toEqual(['id wrong-type', 'email wrong-type']);
    expect(await errorsOf({ title: null, entries: null })).toEqual([]);
    expect(await errorsOf({ custom: { gone: null }, kind: undefined })).toEqual([]);
  });

  it('says it of entries of lists by their place, beside what else is wrong', async () => {
    const entries = [{ value: 'a' }, { value: 1, label: null }];
    expect(await errorsOf({ entries, kind: null })).toEqual([
      'entries.1.value wrong-type',
      'entries.1.label wrong-type',
      'kind wrong-type',
    ]);
  });

  it('holds no text that cannot be stored', async () => {
    const entries = [{ value: 'a\0b' }];
    expect(await errorsOf({ email: '\ud800@a.cn', title: '😀', entries })).toEqual([
      'email invalid-text',
      'entries.0.value invalid-text',
    ]);
  });

  it('that did not come as one is told the same', () => {
    expect(shapeErrorsOf(Body, { kind: null, title: null })).toEqual([{ path: 'kind', code: 'wrong-type' }]);
  });
});
